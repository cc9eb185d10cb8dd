"""Other contracts that existing software speaks, a folder each.

A dialect is a folder with `mapping.py`, `serializers.py`, `views.py`, `errors.py`, `urls.py`, `tests/` and
`samples/`. Its `urls.py` holds a `contract` (`usermgmt.http.contracts.Contract`), and `usermgmt/urls.py`
names it in `CONTRACTS`; `usermgmt/tests/test_dialects.py` shows the whole of it in miniature.
"""
