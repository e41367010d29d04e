#!/usr/bin/env python3
"""Opens connections for real between two network namespaces, changes the rules with ferrule, and sees which connections still work.

live-connections.py forecast FERRULE BACKEND   compares what `ferrule plan' predicts of 100 connections with what happens to them
live-connections.py drill FERRULE BACKEND      a change that cuts an ssh-like session: refused; forced, taken back after the deadline
"""
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

MODE, FERRULE, BACKEND = sys.argv[1:4]
HOST, CLIENT = "10.9.0.1", "10.9.0.2"
FOLDER = tempfile.mkdtemp(prefix="ferrule-live-")
os.environ.update(XTABLES_LOCKFILE=FOLDER + "/lock", FERRULE_STATE_DIRECTORY=FOLDER + "/state")


def run(*words, check=True, **options):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if check and done.returncode != 0:
        sys.exit(f"{words}: {done.returncode}\n{done.stdout}")
    return done


def rules(name, lines):
    path = f"{FOLDER}/{name}.v4"
    with open(path, "w") as file:
        file.write("*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n" + "".join(f"{line}\n" for line in lines) + "COMMIT\n")
    return path


def prepare():
    """This process is the host; the client's namespace is held by another one. Returns that process."""
    holder = subprocess.Popen(["unshare", "-n", "sleep", "600"])
    while os.readlink(f"/proc/{holder.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
        time.sleep(0.01)
    run("ip", "link", "add", "lan", "type", "veth", "peer", "name", "eth0", "netns", str(holder.pid))
    run("ip", "addr", "add", HOST + "/24", "dev", "lan")
    run("ip", "link", "set", "lan", "up")
    run("ip", "link", "set", "lo", "up")
    inside = ["nsenter", "-t", str(holder.pid), "-n"]
    run(*inside, "ip", "addr", "add", CLIENT + "/24", "dev", "eth0")
    run(*inside, "ip", "link", "set", "eth0", "up")
    return holder


def enter(namespace):
    """setns(2) for this thread, with CLONE_NEWNET."""
    if ctypes.CDLL(None, use_errno=True).setns(namespace, 0x40000000) != 0:
        sys.exit(f"setns: {os.strerror(ctypes.get_errno())}")


def client_socket(holder, kind):
    """A socket in the client's namespace."""
    own, other = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/proc/{holder.pid}/ns/net", os.O_RDONLY)
    enter(other)
    try:
        return socket.socket(socket.AF_INET, kind)
    finally:
        enter(own)
        os.close(own)
        os.close(other)


def serve_tcp(port):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((HOST, port))
    server.listen(64)

    def answer(peer):
        while True:
            data = peer.recv(100)
            if not data:
                return
            peer.sendall(data)

    def accept():
        while True:
            peer, _ = server.accept()
            threading.Thread(target=answer, args=(peer,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def serve_udp(port):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((HOST, port))

    def answer():
        while True:
            data, peer = server.recvfrom(100)
            try:
                server.sendto(data, peer)
            except PermissionError:
                pass

    threading.Thread(target=answer, daemon=True).start()


def works(connection, word, seconds=0.4):
    """Whether an answer comes in time. Older answers are skipped."""
    connection.settimeout(seconds)
    try:
        connection.send(word)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if connection.recv(100).endswith(word):
                return True
    except OSError:
        pass
    return False


def forecast():
    holder = prepare()
    old = rules("old", ["-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-A INPUT -j ACCEPT"])
    new = rules("new", [
        "-A INPUT -p tcp -m tcp --dport 2001 -j DROP",
        "-A INPUT -p udp -m udp --sport 40000:40019 -j DROP",
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -m multiport -p tcp --dports 2002,2003 -j ACCEPT",
        "-A INPUT -p tcp -m tcp --dport 2004 -m conntrack --ctstate NEW -j ACCEPT",
        "-A INPUT -p udp -m udp --dport 2012 -j ACCEPT",
        "-A INPUT -p udp -m udp --dport 2013 -m conntrack --ctstate ESTABLISHED -j ACCEPT",
        "-A OUTPUT -p tcp -m tcp --sport 2003 -j DROP",
        "-A OUTPUT -p udp -m udp --dport 40090:40099 -j DROP",
    ])
    run(FERRULE, "apply", "--backend", BACKEND, old)
    flows = []
    for number in range(100):
        kind = socket.SOCK_STREAM if number < 50 else socket.SOCK_DGRAM
        port = 2000 + number % 5 + (0 if number < 50 else 10)
        if number % 50 < 5:
            (serve_tcp if number < 50 else serve_udp)(port)
        flow = client_socket(holder, kind)
        flow.bind((CLIENT, 40000 + number))
        flow.connect((HOST, port))
        if not works(flow, b"before"):
            sys.exit(f"flow {number} does not work before the change")
        proto = "tcp" if number < 50 else "udp"
        flows.append((f"{proto} {CLIENT}:{40000 + number} > {HOST}:{port}", flow))
    plan = json.loads(run(FERRULE, "plan", "--backend", BACKEND, "--format", "json", new, check=False).stdout)
    predicted = {item["connection"]: item for item in plan["connections"]}
    run(FERRULE, "apply", "--backend", BACKEND, new)
    right, counts = 0, {}
    # One packet may still be on its way, and TCP repeats what is lost: all are asked at once.
    results = {}

    def ask(name, flow):
        results[name] = works(flow, b"after", 2)

    threads = [threading.Thread(target=ask, args=item) for item in flows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, _ in flows:
        fate = predicted.get(name, {}).get("fate", "missing")
        counts[fate] = counts.get(fate, 0) + 1
        if (fate == "survives") == results[name] and fate in ("survives", "cut"):
            right += 1
        else:
            print(f"{name}: predicted {fate}, works: {results[name]}, {predicted.get(name)}")
    print(f"{right} of {len(flows)} as predicted; {counts}")
    holder.kill()


def drill():
    holder = prepare()
    old = rules("old", ["-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-A INPUT -p tcp -m tcp --dport 2222 -j ACCEPT"])
    new = rules("new", ["-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT"])
    run(FERRULE, "apply", "--backend", BACKEND, old)
    serve_tcp(2222)
    session = client_socket(holder, socket.SOCK_STREAM)
    session.connect((HOST, 2222))
    print("session before:", works(session, b"one"))
    os.environ["SSH_CONNECTION"] = f"{CLIENT} {session.getsockname()[1]} {HOST} 2222"
    refused = run(FERRULE, "apply", "--backend", BACKEND, new, check=False)
    print("by default:", refused.returncode, "would be cut" in refused.stdout)
    print("session after the refusal:", works(session, b"two"))
    # The client, its shell and its terminal end right after the change, as if the connection were lost.
    shell = subprocess.Popen(["sh", "-c", f"{FERRULE} apply --backend {BACKEND} --force --confirm 3s {new} > {FOLDER}/out 2>&1; sleep 100"], start_new_session=True)
    while "is taken back" not in (open(FOLDER + "/out").read() if os.path.exists(FOLDER + "/out") else ""):
        time.sleep(0.02)
    os.killpg(shell.pid, signal.SIGHUP)
    os.killpg(shell.pid, signal.SIGKILL)
    shell.wait()
    print("session while it is cut:", works(session, b"three", 1))
    time.sleep(3)
    print("session after the deadline:", works(session, b"four", 3))
    print("history:", [line.split()[2] for line in run(FERRULE, "history").stdout.splitlines()])
    holder.kill()


try:
    {"forecast": forecast, "drill": drill}[MODE]()
finally:
    shutil.rmtree(FOLDER, ignore_errors=True)
# The threads still wait for packets.
sys.stdout.flush()
os._exit(0)
