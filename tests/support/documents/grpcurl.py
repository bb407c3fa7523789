"""Stands in for grpcurl, which no package registry of Python or Debian has: the calls that the documents show.

usage: grpcurl -plaintext [-d JSON|@] ADDRESS list|METHOD

As grpcurl does, it learns services and messages from the server's reflection (v1alpha). "-d @" reads stdin.
"""

import argparse
import sys

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


def main() -> None:
    """Prints the names of services, or the answer as JSON."""
    parser = argparse.ArgumentParser(prog="grpcurl", prefix_chars="-")
    parser.add_argument("-plaintext", action="store_true", required=True)
    parser.add_argument("-d", dest="data", default="{}")
    parser.add_argument("address")
    parser.add_argument("symbol")
    options = parser.parse_args()
    with grpc.insecure_channel(options.address) as channel:
        reflected = ProtoReflectionDescriptorDatabase(channel)
        if options.symbol == "list":
            sys.stdout.write("\n".join(sorted(reflected.get_services())) + "\n")
            return
        service, _, name = options.symbol.rpartition("/")
        method = DescriptorPool(reflected).FindServiceByName(service).FindMethodByName(name)
        request = GetMessageClass(method.input_type)()
        json_format.Parse(sys.stdin.read() if options.data == "@" else options.data, request)
        response = GetMessageClass(method.output_type)
        call = channel.unary_unary(f"/{service}/{name}", type(request).SerializeToString, response.FromString)
        sys.stdout.write(json_format.MessageToJson(call(request, timeout=30)) + "\n")


if __name__ == "__main__":
    main()
