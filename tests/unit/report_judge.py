#!/usr/bin/env python3
"""report_judge.py FORMAT FILE: reads a report with Python's own readers and prints what it found in one form for all formats:
a line a row, the fields in the report's order with tabs between. Fails when the file breaks a rule of its format, or when a
field could be taken for something else by whoever opens it.
"""
import csv
import html.parser
import json
import re
import sys

COLUMNS = ("attempt,mac,name,asset,position,machine_serial,disk_model,disk_serial,image,version,root_hash,start,end,bytes,loss_ppm,"
           "repair_symbols,read_back,result,cause,start_run,start_up_s,end_run,end_up_s,dropped_ppm").split(",")
PAGE_COLUMNS = COLUMNS[:15] + ["dropped_ppm"] + COLUMNS[15:19]


def harmless(text):
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text), f"control characters: {text!r}"


def show(rows):
    for row in rows:
        print("\t".join(field.replace("\n", "\\n").replace("\r", "\\r") for field in row))


def judge_csv(data):
    assert re.fullmatch(rb"(?:[^\r\n]*\r\n)+", data), "lines end in CR LF, and fields hold none"
    lines = list(csv.reader(data.decode().splitlines(), strict=True))
    assert lines[0] == COLUMNS, lines[0]
    assert all(len(line) == len(COLUMNS) for line in lines), [len(line) for line in lines]
    assert lines[-1][:2] == ["signature", "ecdsa-p256-sha256"] and not any(lines[-1][4:])
    for line in lines:
        for field in line:
            harmless(field)
            assert not re.match(r"[\s\"',;|]*[=+\-@\t\r＝＋－＠]", field) or field.lstrip().startswith("'"), f"a formula: {field!r}"
    # a spreadsheet of another country splits at semicolons, and knows nothing of quotes in the middle
    for line in data.decode().split("\r\n"):
        for cell in re.split(r"[,;|\t]", line):
            assert not re.match(r"[\s\"]*[=+\-@]", cell), f"a formula behind another separator: {cell!r}"
    show(lines[1:-1])


def judge_json(data):
    report = json.loads(data.decode())
    harmless(data.decode().replace("\n", ""))
    assert report["report"] == 1 and report["signature"]["algorithm"] == "ecdsa-p256-sha256"
    assert sum(report["totals"].values()) == len(report["attempts"]), report["totals"]
    for row in report["attempts"]:
        assert list(row) == COLUMNS, list(row)
    text = {None: "", True: "yes", False: "no"}
    show([[text[v] if v is None or isinstance(v, bool) else str(v) for v in row.values()] for row in report["attempts"]])


class Page(html.parser.HTMLParser):
    ALLOWED = {"html", "head", "meta", "title", "style", "body", "h1", "p", "table", "thead", "tbody", "tr", "th", "td", "code"}

    def __init__(self):
        super().__init__()
        self.open, self.rows, self.row, self.heading = [], [], [], []

    def handle_starttag(self, tag, attrs):
        assert tag in self.ALLOWED, f"<{tag}>"
        assert all(name in ("lang", "charset", "class", "scope") for name, _ in attrs), attrs
        if tag != "meta":
            self.open.append(tag)
        if tag == "tr":
            self.row = []
        if tag == "td":
            self.row.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
        if tag == "tr" and self.row:
            self.rows.append(self.row)

    def handle_data(self, data):
        if self.open and self.open[-1] == "td":
            self.row[-1] += data
        if self.open and self.open[-1] == "th":
            self.heading.append(data.replace(" ", "_"))

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data!r}")

    def handle_pi(self, data):
        raise AssertionError(f"an instruction: {data!r}")


def judge_html(data):
    page = Page()
    page.feed(data.decode())
    page.close()
    assert not page.open and page.heading == PAGE_COLUMNS, page.heading
    harmless(data.decode().replace("\n", ""))
    assert data.endswith(b"</html>\n") and b"<script" not in data.lower()
    assert all(len(row) == len(PAGE_COLUMNS) for row in page.rows)
    show(page.rows)


{"csv": judge_csv, "json": judge_json, "html": judge_html}[sys.argv[1]](open(sys.argv[2], "rb").read())
