"""A program of ours in TypeScript, from Python."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Program:
    """A file of this folder that answers each line of JSON on stdin by one on stdout, and ends when there are no more."""

    def __init__(self, file: str, *args: str, **environment: str) -> None:
        path = os.pathsep.join([str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]])
        self.process = subprocess.Popen(
            ["node", "--experimental-strip-types", str(Path(__file__).parent / file), *args],
            cwd=ROOT, env=os.environ | environment | {"NODE_NO_WARNINGS": "1", "PATH": path},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def ask(self, *question: Any) -> Any:
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"{self.process.args} ended with {self.process.wait()}"
        return json.loads(answer)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(30)
