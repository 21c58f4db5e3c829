"""Generator of the documentation site: every page of `docs/`, and those beside it, in English and Chinese.

`make site` runs it. The pages stay plain Markdown that a code host shows. `pages` copies them into a folder for each
language, in which a page has the same name in both, and Sphinx turns each folder into HTML.
"""
