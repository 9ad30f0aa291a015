"""Makes the calls that are on standard input and prints the answers, for the tests that compare them.

A line is a JSON object with `call`, the method's name, and what it takes, `arguments` and `options`. The line printed for it
is the answer, or `{"error": …}` with what the exception says. The server is that of MODELD_SOCKET. The payload of each answer
has to be byte for byte what protobuf itself makes of the message, which has to know every field.
"""

import json
import sys

from distillery_client import Client, DistilleryError
from distillery_client._connection import Connection
from distillery_client._messages import message_class
from google.protobuf.unknown_fields import UnknownFieldSet


call_unjudged = Connection.call


def call_judged(connection, request, deadline):
    response = call_unjudged(connection, request, deadline)
    if response.payload:
        package, _, name = request.method.decode().rpartition("/")
        message = message_class(f"{package.rpartition('.')[0]}.{name}Response").FromString(response.payload)
        if message.SerializeToString() != response.payload:
            raise AssertionError(f"protobuf writes other bytes for the answer to {name}")
        if len(UnknownFieldSet(message)) or len(UnknownFieldSet(response)):
            raise AssertionError(f"the answer to {name} has fields that proto/ does not name")
    return response


Connection.call = call_judged
with Client() as client:
    for line in sys.stdin:
        call = json.loads(line)
        try:
            answer = getattr(client, call["call"])(*call.get("arguments", []), **call.get("options", {}))
        except DistilleryError as error:
            answer = {"error": {name: getattr(error, name) for name in ("code", "message", "model", "is_retryable")}}
        print(json.dumps(answer), flush=True)
