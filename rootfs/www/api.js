// Requests to the box. Each resolves with the answer's JSON (or text), or throws a Problem whose message is a sentence.

export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail || body?.title || (status ? `The box answered ${status}.` : "The box does not answer."));
    this.status = status;
    this.body = body;
  }
}

let csrf = ""; // comes with the login, and again with `session` when the page is loaded anew
export function forget() { csrf = ""; }

export async function request(method, path, { json, body, headers = {}, signal } = {}) {
  const all = { Accept: "application/json", ...headers };
  if (method !== "GET" && method !== "HEAD") all["X-Ringcast-CSRF"] = csrf;
  if (json !== undefined) { all["Content-Type"] = "application/json"; body = JSON.stringify(json); }
  let answer;
  try {
    answer = await fetch("/api/v1" + path, { method, headers: all, body, signal, cache: "no-store", credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0);
  }
  const type = answer.headers.get("content-type") ?? "";
  const content = /json/.test(type) ? await answer.json().catch(() => null) : await answer.text();
  if (content?.csrf) csrf = content.csrf;
  if (!answer.ok) {
    if (answer.status === 401 && !/^\/(login|setup)$/.test(path)) dispatchEvent(new Event("ringcast-login"));
    throw new Problem(answer.status, content);
  }
  return content;
}
export const get = (path, more) => request("GET", path, more);
export const post = (path, json = {}) => request("POST", path, { json });
export const part = encodeURIComponent; // a foreign word as one part of a path
