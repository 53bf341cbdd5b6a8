#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The harness judges planted cases: harness_test.py compile_cases.py COMPILER"""
import pathlib
import subprocess
import sys
import tempfile

driver, compiler = sys.argv[1:]
GOOD = """// expect: pretext\\[t\\.1\\]
#ifdef PRETEXT_KO
static_assert(sizeof(char) == 2, "pretext[t.1] a sentence");
#endif
int main() {}
"""
CASES = {  # name: (source, is it a good case?)
    "good": (GOOD, True),
    "without_expectation": (GOOD.replace("expect", "hope"), False),
    "compiles_anyway": (GOOD.replace("== 2", "== 1"), False),
    "twin_is_broken": (GOOD.replace("int main", "int 1main"), False),
    "another_id": (GOOD.replace("pretext[t.1]", "pretext[t.2]"), False),
    "id_only_in_second_error": (GOOD.replace("static_assert(", "int x = nowhere;\nstatic_assert("), False),
    "id_only_in_a_note_of_the_source_line": (
        GOOD.replace('static_assert(sizeof(char) == 2, "pretext[t.1] a sentence");', "nowhere x;  // pretext[t.1]"), False),
}
wrong = 0
with tempfile.TemporaryDirectory() as root:
    for name, (source, good) in CASES.items():
        pathlib.Path(root, f"{name}.cpp").write_text(source)
        done = subprocess.run([sys.executable, driver, "--root", root, "--compiler", compiler, "fails", f"{name}.cpp"],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if (done.returncode == 0) != good:
            wrong += 1
            print(f"{name}: judged {'good' if done.returncode == 0 else 'bad'}, and it is not\n{done.stdout}")
    done = subprocess.run([sys.executable, driver, "--root", root, "--compiler", compiler, "--define", "main=1", "fails",
                           "good.cpp"], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode == 0 or "empty program" not in done.stdout:
        wrong += 1
        print(f"a compiler that cannot compile the empty program passed:\n{done.stdout}")
print(f"{wrong} of {len(CASES) + 1} judgements are wrong")
sys.exit(1 if wrong else 0)
