"""Makes the calls that are on standard input and prints the answers, for the tests that compare them.

A line is a JSON object with `call`, the method's name, and what it takes, `arguments` and `options`. The line printed for it
is the answer, or `{"error": …}` with what the exception says. The server is that of MODELD_SOCKET.
"""

import json
import sys

from distillery_client import Client, DistilleryError

with Client() as client:
    for line in sys.stdin:
        call = json.loads(line)
        try:
            answer = getattr(client, call["call"])(*call.get("arguments", []), **call.get("options", {}))
        except DistilleryError as error:
            answer = {"error": {name: getattr(error, name) for name in ("code", "message", "model", "is_retryable")}}
        print(json.dumps(answer), flush=True)
