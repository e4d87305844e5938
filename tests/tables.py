"""Small tables in every format that is read."""

import csv
import io
import json

import openpyxl
import pandas

from harness.task import files

ROWS = [
    {"text": 'she said "no", twice', "label": "cat"},
    {"text": "two\nlines; a\ttab | and é", "label": "dog"},
    {"text": "", "label": "cat"},
    {"text": "100 %", "label": "dog"},
]
TABLE = pandas.DataFrame(ROWS)
WANTED = ("text", "label")


def delimited(delimiter=",", encoding="utf-8", rows=ROWS):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def lines(rows=ROWS):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def array(rows=ROWS):
    return json.dumps(rows, indent=1).encode()


def parquet(table=TABLE):
    out = io.BytesIO()
    table.to_parquet(out)
    return out.getvalue()


def excel(rows=ROWS, before=()):
    book = openpyxl.Workbook()
    for title in before:
        book.create_sheet(title, 0)
        book[title].append(["what this is"])
    sheet = book.worksheets[-1]
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read(path, encoding=None, wanted=WANTED):
    return [dict(row) for _, row in files.read(path, encoding, wanted).rows]
