"""Hostile pipeline files: each is refused in a few sentences, runs nothing, and costs neither memory nor seconds."""

import time

import pytest

GIB = 1 << 30
SOUND = "source:\n  files: table.csv\ntask:\n  horizon: 3\noutputs:\n  forecast: forecast.csv\n"
COMMAND = "['touch', 'canary']"


def grown(first: str, each: str, *, times: int = 12) -> str:
    """Return a document in which every value is nine times the one before it."""
    lines = [f"a0: &a0 {first}"]
    lines += [f"a{n}: &a{n} " + each.format(", ".join([f"*a{n - 1}"] * 9)) for n in range(1, times)]
    return "\n".join(lines) + "\n" + SOUND


CASES = {
    "a tag that runs a program": (
        lambda: SOUND + "state: !!python/object/apply:os.system ['touch canary']\n",
        "line 7: this is not YAML: could not determine a constructor for the tag",
    ),
    "a tag that makes an object": (
        lambda: f"!!python/object/new:subprocess.Popen [{COMMAND}]\n",
        "line 1: this is not YAML: could not determine a constructor",
    ),
    "a tag that names a function": (
        lambda: SOUND.replace("table.csv", "!!python/name:os.system"),
        "line 2: this is not YAML: could not determine a constructor",
    ),
    "a list of aliases of aliases": (lambda: grown("[ha, ha]", "[{}]"), "line 2: *a0 is an alias."),
    "keys merged from aliases of aliases": (
        lambda: grown("{x: 1}", "{{<<: [{}]}}"),
        "line 2: *a0 is an alias.",
    ),
    "a list that holds itself": (lambda: "state: &a [*a]\n" + SOUND, "line 1: *a is an alias."),
    "a hundred thousand brackets": (lambda: "state: " + "[" * 100_000, "line 1: nested deeper than 20 times"),
    "lists in lists, a line each": (
        lambda: "\n".join(" " * n + "-" for n in range(500)),
        "line 21: nested deeper than 20 times",
    ),
    "a number of 100,000 digits": (
        lambda: SOUND.replace("3", "9" * 100_000),
        "line 4: '9999999",
    ),
    "a number of 100,000 sixties": (lambda: SOUND.replace("3", "1" + ":00" * 80_000), "line 4: '1:00:00"),
    "a character that no file's name has": (lambda: SOUND + 'state: "a\\0b"\n', "line 7: a value holds a character"),
    "half a character": (lambda: SOUND + 'state: "\\ud800"\n', "line 7: a value holds a character"),
    "twenty thousand unknown keys": (lambda: "".join(f"k{n}: 1\n" for n in range(20_000)), "line 1: 'k0' is no key"),
    "a key of 200,000 letters": (lambda: f"? {'k' * 200_000}\n: 1\n", "line 1: 'kkkkkkkk"),
    "a comment of 100 MB": (lambda: "# " + "x" * 100_000_000 + "\n" + SOUND, "is larger than 262,144 bytes"),
    "a list of five million numbers": (lambda: "state: [" + "1," * 5_000_000 + "]", "is larger than 262,144 bytes"),
}
COMMANDS = {"a tag that runs a program", "a list of aliases of aliases"}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param(name, options, marks=() if name in COMMANDS and options else pytest.mark.slow)
        for name in CASES
        for options in ((), ("--check",))
    ],
)
def test_a_hostile_pipeline_file_is_refused_in_little_time_and_memory(name, options, tmp_path, measured):
    write, expected = CASES[name]
    (tmp_path / "table.csv").write_text("date,sales\n2024-01-01,1\n")
    (tmp_path / "hostile.yaml").write_text(write())
    begun = time.monotonic()

    code, errors, memory = measured("run", "hostile.yaml", *options, cwd=tmp_path)

    print(f"\n| {name} | {memory / GIB:.2f} | {time.monotonic() - begun:.1f} s | {errors.strip()[:300]} |")
    assert code == 2, errors[-500:]
    assert errors.startswith("error: hostile.yaml")
    assert expected in errors.splitlines()[0]
    assert len(errors.splitlines()) <= 20
    assert len(errors) < 4_000
    assert memory < GIB
    assert {path.name for path in tmp_path.iterdir()} == {"table.csv", "hostile.yaml"}
