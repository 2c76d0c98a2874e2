"""Nodes: network namespaces on one bridge, and links between them that can be cut. The program that imports this is
itself on the bridge, as the node CLIENTS."""

import asyncio
import contextlib
import ctypes
import itertools
import subprocess
import threading

NET = "10.77.0."
CLONE_NEWNET = 0x40000000
# No interface has this address: frames to it are lost, as on a cut cable. No packet filter is needed.
NOWHERE = "02:00:00:00:ff:ff"


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL)


def create():
    """The bridge, and this program's address on it."""
    ip("link", "add", "nodes", "type", "bridge")
    ip("addr", "add", CLIENTS.address + "/24", "dev", "nodes")
    ip("link", "set", "nodes", "up")


class Clients:
    """This program, as a node."""
    name, number, interface = "clients", 1, "nodes"
    address = NET + "1"
    enter = ()

    @staticmethod
    def run_in(function):
        return function()


class Node:
    def __init__(self, name, number):
        self.name, self.number, self.interface = name, number, "eth0"
        self.address = NET + str(number)
        self.enter = ("nsenter", f"--net=/run/netns/{name}")
        ip("netns", "add", name)
        ip("link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", f"to-{name}", "master", "nodes", "up")
        for words in (["addr", "add", self.address + "/24", "dev", "eth0"], ["link", "set", "eth0", "up"],
                      ["link", "set", "lo", "up"]):
            ip("-n", name, *words)

    def run_in(self, function):
        """The result of the function, called by a thread that is in the namespace. Sockets that it makes and
        programs and threads that it starts belong to the node."""
        result = []

        def call():
            with open(f"/run/netns/{self.name}", encoding="ascii") as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            result.append(function())

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        return result[0]


CLIENTS = Clients()


def set_link(one, other, change, *words):
    for node, peer in ((one, other), (other, one)):
        name = ("-n", node.name) if node is not CLIENTS else ()
        ip(*name, "neigh", change, peer.address, *words, "dev", node.interface)


def cut(one, others):
    """Packets between the node and the others are lost, without an error on either side."""
    for other in others:
        set_link(one, other, "replace", "lladdr", NOWHERE, "nud", "permanent")


def join(one, others):
    for other in others:
        set_link(one, other, "del")


class Relay:
    """A proxy on a node: a connection to `listen` goes to the next of the targets that accepts one. Each direction is
    delayed by `delay` seconds."""

    def __init__(self, node, listen, *targets):
        self.delay = 0.0
        self.targets = itertools.cycle(targets)
        self.count = len(targets)
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        def serve():
            asyncio.set_event_loop(self.loop)
            self.loop.run_until_complete(asyncio.start_server(self.connected, *listen))
            started.set()
            self.loop.run_forever()

        node.run_in(lambda: threading.Thread(target=serve, daemon=True).start())
        assert started.wait(30), f"{node.name} does not listen at {listen}"

    async def connect(self):
        for _ in range(self.count):
            with contextlib.suppress(OSError, TimeoutError, asyncio.TimeoutError):
                return await asyncio.wait_for(asyncio.open_connection(*next(self.targets)), 3)
        return None

    async def connected(self, reader, writer):
        other = await self.connect()
        if other:
            await asyncio.gather(self.copy(reader, other[1]), self.copy(other[0], writer))
        else:
            writer.close()

    async def copy(self, reader, writer):
        """Each piece is delayed by itself: the delay adds to the latency and does not limit the rate."""
        pieces = asyncio.Queue()

        async def send():
            while True:
                due, data = await pieces.get()
                await asyncio.sleep(due - self.loop.time())
                if not data:
                    break
                writer.write(data)
            writer.close()

        sender = self.loop.create_task(send())
        data = b"more"
        while data:
            try:
                data = await reader.read(65536)
            except OSError:
                data = b""
            pieces.put_nowait((self.loop.time() + self.delay, data))
        await sender


