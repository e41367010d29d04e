#!/usr/bin/env python3
"""Records lan.pcap, wan.pcap, counters.txt and conntrack.txt: real clients and servers in three network namespaces. Needs root and
iptables-legacy. Run it in this folder:  unshare -n python3 record.py"""
import ctypes, os, select, socket, struct, subprocess, threading, time

def sh(line): subprocess.run(line, shell=True, check=True)

for name in ("gw", "client", "server"):
    sh(f"ip netns add ferrule-{name}")
try:
    for near, far, side in (("lan", "eth0", "client"), ("wan", "eth0", "server")):
        mac = "02:00:5e:00:00:01" if near == "lan" else "02:00:5e:00:00:02"
        sh(f"ip link add {near} address {mac} netns ferrule-gw type veth peer name {far} netns ferrule-{side}")
    gw, client, server = (f"ip netns exec ferrule-{name} " for name in ("gw", "client", "server"))
    sh(gw + "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv6.conf.all.disable_ipv6=1")
    sh(client + "sysctl -qw net.ipv6.conf.all.disable_ipv6=1"); sh(server + "sysctl -qw net.ipv6.conf.all.disable_ipv6=1")
    for line in ("addr add 10.0.0.1/24 dev lan", "addr add 203.0.113.5/24 dev wan", "link set lan up", "link set wan up", "link set lo up"):
        sh(f"{gw} ip {line}")
    for line in ("addr add 10.0.0.9/24 dev eth0", "link set eth0 up", "link set lo up", "route add default via 10.0.0.1"):
        sh(f"{client} ip {line}")
    for line in ("addr add 203.0.113.80/24 dev eth0", "link set eth0 up", "link set lo up"):
        sh(f"{server} ip {line}")
    sh(gw + "iptables-legacy-restore < ruleset.rules")

    libc = ctypes.CDLL(None)
    def inside(name):
        with open(f"/run/netns/ferrule-{name}") as file: libc.setns(file.fileno(), 0)
    frames, isOver = {"lan": [], "wan": []}, threading.Event()

    def capture():
        inside("gw")
        sockets = {}
        for name in frames:
            sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            sniffer.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS
            sniffer.bind((name, 0))
            sockets[sniffer] = name
        while not isOver.is_set():
            for ready in select.select(list(sockets), [], [], 0.1)[0]:
                data, controls, _, _ = ready.recvmsg(65536, 64)
                seconds, nanoseconds = struct.unpack("qq", controls[0][2])
                frames[sockets[ready]].append((seconds, nanoseconds, data))

    def serve(name, port, kind):
        inside(name)
        listener = socket.socket(socket.AF_INET, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", port))
        if kind == socket.SOCK_DGRAM:
            data, peer = listener.recvfrom(512)
            return listener.sendto(b"answer to " + data, peer)
        listener.listen()
        connection, _ = listener.accept()
        connection.recv(4096)
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + b"page " * 100)
        connection.close()

    def ask(name, address, port, kind):
        inside(name)
        asker = socket.socket(socket.AF_INET, kind)
        asker.settimeout(2)
        try:
            asker.connect((address, port))
            asker.sendall(b"GET / HTTP/1.0\r\n\r\n" if kind == socket.SOCK_STREAM else b"question")
            while asker.recv(4096) and kind == socket.SOCK_STREAM: pass
        except OSError as error: print(address, port, error)
        asker.close()

    def run(function, *arguments):
        thread = threading.Thread(target=function, args=arguments)
        thread.start()
        return thread
    tcp, udp = socket.SOCK_STREAM, socket.SOCK_DGRAM
    sniffer = run(capture)
    servers = [run(serve, "server", 80, tcp), run(serve, "server", 53, udp), run(serve, "client", 80, tcp),
      run(serve, "server", 5353, udp)]
    time.sleep(0.5)
    run(ask, "client", "203.0.113.80", 80, tcp).join()
    run(ask, "client", "203.0.113.80", 53, udp).join()
    run(ask, "client", "203.0.113.80", 25, tcp).join()
    run(ask, "server", "203.0.113.5", 8080, tcp).join()
    run(ask, "gw", "203.0.113.80", 5353, udp).join()  # the gateway's own question
    run(ask, "client", "10.0.0.1", 99, udp).join()  # INPUT drops it
    for thread in servers: thread.join()
    time.sleep(0.3)
    sh(gw + "iptables-legacy-save -c > counters.txt"); sh(gw + "cat /proc/net/nf_conntrack > conntrack.txt")
    isOver.set()
    sniffer.join()
    for name in frames:
        with open(f"{name}.pcap", "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
            for seconds, nanoseconds, data in frames[name]:
                file.write(struct.pack("<IIII", seconds, nanoseconds, len(data), len(data)) + data)
finally:
    for name in ("gw", "client", "server"): subprocess.run(f"ip netns del ferrule-{name}", shell=True)
