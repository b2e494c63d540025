// Dark or light before the first stroke is drawn: what was chosen here last, else what the system prefers.
(function () {
  let chosen = null;
  try { chosen = localStorage.getItem("ringcast.theme"); } catch { /* storage is off: the system decides */ }
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
})();
