"""A refusal tells its cure as RFC 9457 says, and repeats nothing that was sent."""

import json

import pytest
from chassis.problems import Problem, invalid, of_status, pointer, responses, unavailable


def test_a_problem_is_told_as_rfc_9457_says() -> None:
    problem = Problem(409, "taken", "Taken", "Choose another.", extensions={"hint": [1]}, headers={"Retry-After": "3"})
    response = problem.response()
    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"] == "3"
    assert json.loads(bytes(response.body)) == {
        "type": "urn:tillit:problem:taken",
        "title": "Taken",
        "status": 409,
        "detail": "Choose another.",
        "hint": [1],
    }


def test_an_extension_cannot_replace_a_standard_member() -> None:
    assert Problem(409, "taken", "Taken", extensions={"status": 200}).document()["status"] == 409


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("body", "title"), "/body/title"),
        (("body", 3, "name"), "/body/3/name"),
        (("body", "<script>", "x"), "/body"),
        (("body", "kari@example.no"), "/body"),
        (("body", "a/b"), "/body"),
        ((), ""),
    ],
)
def test_a_pointer_repeats_plain_names_only(path: tuple[object, ...], text: str) -> None:
    assert pointer(path) == text


def test_a_missing_dependency_says_when_to_come_back() -> None:
    assert unavailable("keyring", 7).headers == {"Retry-After": "7"}


def test_one_wrong_member_is_listed_like_many() -> None:
    assert invalid("/body/age", "is negative").extensions == {
        "errors": [{"pointer": "/body/age", "detail": "is negative"}]
    }


def test_a_bare_status_has_a_slug_of_its_phrase() -> None:
    assert of_status(405).slug == "method-not-allowed"


def test_a_documented_response_points_at_the_problem_document() -> None:
    assert "ProblemDocument" in json.dumps(responses(401)[401])
