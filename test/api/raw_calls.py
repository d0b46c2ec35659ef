"""Makes many calls with empty requests: an independent client (python3-grpcio), which knows no messages.

raw_calls.py '{"address": …, "calls": [{"path": "/service/method", "headers": {…}}, …], "seconds": S}'

Prints a JSON list with what became of each call: the name of its gRPC status; OK also for a stream that began; ""
for one on which nothing came within S seconds.
"""
import json
import sys

import grpc

wanted = json.loads(sys.argv[1])
seconds = wanted.get("seconds", 30)


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
    return method(b"", metadata=tuple(call.get("headers", {}).items()), timeout=seconds)


with grpc.insecure_channel(wanted["address"]) as channel:
    calls = [begin(channel, call) for call in wanted["calls"]]
    print(json.dumps([outcome(call) for call in calls]))
