# SPDX-License-Identifier: Apache-2.0
"""A device made of pymodbus, for the tests of the gateway.

usage: modbus_pymodbus_server.py tcp PORT | tls PORT CERT KEY CA | rtu DEVICE UNIT BAUD PARITY
On the serial line it keeps silent when another unit is asked.

Prints "ready" when it listens. Commands on standard input as modbus_libmodbus_server has them: set, get, refuse.
It ends with its standard input.
"""
import asyncio
import ssl
import sys
import threading

try:
    from pymodbus.datastore import ModbusSlaveContext as Base
except ImportError:  # newer releases
    from pymodbus.datastore import ModbusDeviceContext as Base
from pymodbus import server as servers
from pymodbus.datastore import ModbusServerContext
from pymodbus.device import ModbusDeviceIdentification

try:
    from pymodbus.framer import FramerType

    SOCKET, RTU = FramerType.SOCKET, FramerType.RTU
except ImportError:
    from pymodbus.framer.rtu_framer import ModbusRtuFramer as RTU
    from pymodbus.framer.socket_framer import ModbusSocketFramer as SOCKET

TABLES = {"coil": 0, "discrete": 1, "input": 2, "holding": 3}
BY_FUNCTION = {1: 0, 5: 0, 15: 0, 2: 1, 4: 2, 3: 3, 6: 3, 16: 3, 22: 3, 23: 3}
SPACE = 2000


class Device(Base):
    """Four tables of our own, addresses as on the wire."""

    def __init__(self):
        super().__init__()
        self.words = [[0] * SPACE for _ in range(4)]
        self.refused = set()

    def validate(self, fc_as_hex, address, count=1):
        table = BY_FUNCTION[fc_as_hex]
        span = range(address, address + count)
        return address + count <= SPACE and not any((table, at) in self.refused for at in span)

    def getValues(self, fc_as_hex, address, count=1):
        return self.words[BY_FUNCTION[fc_as_hex]][address : address + count]

    def setValues(self, fc_as_hex, address, values):
        self.words[BY_FUNCTION[fc_as_hex]][address : address + len(values)] = [int(v) for v in values]


def commands(device):
    for line in sys.stdin:
        verb, table, address, *rest = line.split()
        at, table = int(address), TABLES[table]
        if verb == "set":
            for i, word in enumerate(rest):
                device.words[table][at + i] = int(word, 0)
            print("ok", flush=True)
        elif verb == "refuse":
            device.refused.add((table, at))
            print("ok", flush=True)
        else:
            print(*device.words[table][at : at + int(rest[0])], flush=True)
    import os

    os._exit(0)


def identity():
    told = ModbusDeviceIdentification()
    told.VendorName = "Peer"
    told.ProductCode = "PM"
    told.MajorMinorRevision = "3.0"
    return told


async def main():
    kind, *args = sys.argv[1:]
    device = Device()
    alone = kind != "rtu"
    context = ModbusServerContext(slaves=device if alone else {int(args[1]): device}, single=alone)
    common = {"context": context, "identity": identity()}
    if kind == "tcp":
        run = servers.StartAsyncTcpServer(framer=SOCKET, address=("127.0.0.1", int(args[0])), **common)
    elif kind == "tls":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(args[1], args[2])
        tls.load_verify_locations(args[3])
        tls.verify_mode = ssl.CERT_REQUIRED
        run = servers.StartAsyncTlsServer(
            framer=SOCKET, address=("127.0.0.1", int(args[0])), sslctx=tls, **common
        )
    else:
        run = servers.StartAsyncSerialServer(
            framer=RTU,
            port=args[0],
            baudrate=int(args[2]),
            parity=args[3],
            stopbits=1,
            bytesize=8,
            ignore_missing_slaves=True,
            **common,
        )
    threading.Thread(target=commands, args=(device,), daemon=True).start()
    print("ready", flush=True)
    await run


asyncio.run(main())
