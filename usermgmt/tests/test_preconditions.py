"""If-Match (RFC 9110 13.1.1)."""

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.request import Request

from usermgmt.errors import Stale, check_version
from usermgmt.http.preconditions import known_versions
from usermgmt.http.problems import etag


def known(header: str | None):
    headers = {} if header is None else {"If-Match": header}
    return known_versions(Request(RequestFactory().patch("/users/1", headers=headers)))


@pytest.mark.parametrize("header", [None, "*", " * "])
def test_without_a_condition_any_version_will_do(header):
    assert known(header) is None
    check_version(7, known(header))


@given(st.integers(1, 2**31 - 1))
def test_the_tag_of_a_version_is_known_as_that_version(version):
    assert known(etag(version)) == {version}


def test_any_of_several_tags_will_do():
    assert known('"1", "22" ,"333"') == {1, 22, 333}
    check_version(22, known('"1", "22"'))


@pytest.mark.parametrize(
    "header",
    [
        'W/"7"',
        'w/"7"',
        '"07"',
        '"+7"',
        '" 7"',
        "7",
        "'7'",
        '"7',
        'x"7"',
        '"7"x',
        '"7" "8"',
        '"٧"',
        '"*"',
        '"a"',
        '""',
        "",
        ",",
    ],
)
def test_a_tag_that_we_did_not_make_matches_nothing(header):
    assert known(header) == frozenset()
    with pytest.raises(Stale) as refusal:
        check_version(7, known(header))
    assert refusal.value.version == 7


@given(st.text(st.characters(min_codepoint=1, max_codepoint=255)))
def test_any_header_is_read_without_an_error(header):
    versions = known(header)
    assert versions is None or all(version > 0 for version in versions)
