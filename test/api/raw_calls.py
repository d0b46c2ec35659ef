"""Makes many calls: an independent client (python3-grpcio), which knows no messages. Requests are empty, or zeros.

raw_calls.py < '{"address": …, "calls": [{"path": "/service/method", "headers": {…}, "bytes": N}, …], "seconds": S, "atOnce": N}'

Prints a JSON list with what became of each call: the name of its gRPC status; OK also for a stream that began; ""
for one on which nothing came within S seconds.
"""
import json
import sys

import grpc

wanted = json.loads(sys.stdin.read())
seconds = wanted.get("seconds", 30)
# Of one connection; beyond 32 Node.js resets some of them.
at_once = wanted.get("atOnce", 16)


def outcome(call):
    try:
        next(call)
        return "OK"
    except StopIteration:
        return "OK"
    except grpc.RpcError as error:
        code = error.code().name
        return "" if code == "DEADLINE_EXCEEDED" else code
    finally:
        call.cancel()


def begin(channel, call):
    method = channel.unary_stream(
        call["path"], request_serializer=bytes, response_deserializer=bytes
    )
    return method(bytes(call.get("bytes", 0)), metadata=tuple(call.get("headers", {}).items()), timeout=seconds)


with grpc.insecure_channel(wanted["address"]) as channel:
    outcomes = []
    for start in range(0, len(wanted["calls"]), at_once):
        begun = [begin(channel, call) for call in wanted["calls"][start : start + at_once]]
        outcomes += [outcome(call) for call in begun]
    print(json.dumps(outcomes))
