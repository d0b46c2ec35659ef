#!/usr/bin/python3
"""Calls the API with text-format messages: an independent client (python3-grpcio, python3-protobuf).

client.py [--header k=v]... [--show-headers] [--timeout S] ADDRESS SERVICE/METHOD < request.txtpb

Prints the answer in text format (nothing for an empty one). --show-headers prints the answer's
"name: value" headers to standard error. On failure prints "CODE: message" to standard error and
exits with the number of the gRPC status code. Message types come from dist/proto/floxy.binpb.
"""
import argparse
import pathlib
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

DESCRIPTORS = pathlib.Path(__file__).resolve().parents[2] / "dist" / "proto" / "floxy.binpb"


def load_pool():
    descriptors = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in descriptors.file:
        pool.Add(file)
    return pool


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--header", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--show-headers", action="store_true")
    parser.add_argument("--timeout", type=float, default=30)
    parser.add_argument("address")
    parser.add_argument("method", metavar="SERVICE/METHOD")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    service_name, method_name = arguments.method.split("/")
    pool = load_pool()
    method = pool.FindServiceByName(service_name).methods_by_name[method_name]
    factory = message_factory.MessageFactory(pool)
    request_type = factory.GetPrototype(method.input_type)
    answer_type = factory.GetPrototype(method.output_type)
    request = text_format.Parse(sys.stdin.read(), request_type())
    headers = [tuple(header.split("=", 1)) for header in arguments.header]
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(arguments.address, options=options) as channel:
        call = channel.unary_unary(
            f"/{arguments.method}",
            request_serializer=request_type.SerializeToString,
            response_deserializer=answer_type.FromString,
        )
        try:
            answer, info = call.with_call(request, metadata=headers, timeout=arguments.timeout)
        except grpc.RpcError as error:
            print(f"{error.code().name}: {error.details()}", file=sys.stderr)
            return error.code().value[0]
    if arguments.show_headers:
        for name, value in info.initial_metadata():
            print(f"{name}: {value}", file=sys.stderr)
    sys.stdout.write(text_format.MessageToString(answer))
    return 0


sys.exit(main())
