"""The options of `serve`."""

from fusionkeras.cli.arguments.values import port


def add_serve(parser):
    """Adds the options of `serve`."""
    parser.add_argument("path", metavar="saved_models/NAME", help="a folder of versions")
    parser.add_argument("--name", metavar="NAME", help="of the model (default: the folder's)")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="to listen on")
    ports = "; 0 for a free one (default: %(default)s)"
    parser.add_argument("--port", type=port, default=8501, metavar="N", help=f"of REST{ports}")
    parser.add_argument("--grpc-port", type=port, default=8500, metavar="N", help=f"of gRPC{ports}")
    limits = parser.add_argument_group("limits")
    for option, default, what in (
        ("--max-batch", 64, "rows of a forward pass"),
        ("--max-body-mb", 32, "megabytes of a request"),
        ("--max-requests", 256, "requests under way"),
        ("--timeout", 60, "seconds for a request"),
    ):
        limits.add_argument(
            option, type=int, default=default, metavar="N", help=f"{what} (default: {default})"
        )
