"""Workbooks read back."""

import io

import openpyxl


def sheets(content):
    """Each sheet of a workbook by its name."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    return {sheet.title: sheet for sheet in book}


def rows(sheet):
    """A mapping a line, by the titles of the first."""
    head, *lines = sheet.iter_rows(values_only=True)
    return [dict(zip(head, line, strict=True)) for line in lines]


def words(content):
    """What is rendered, as text: of a workbook, that of its cells."""
    if isinstance(content, str):
        return content
    cells = (cell.value for sheet in sheets(content).values() for line in sheet for cell in line)
    return "\n".join(str(value) for value in cells if value is not None)
