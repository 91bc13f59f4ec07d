#!/usr/bin/env python3
"""A broadcast node in Python, standard library only: it floods, and sends again until acknowledged.

    rumormill test -w broadcast --bin examples/broadcast.py --nemesis partition --nemesis-interval 2 --time-limit 10
"""
import json, queue, sys, threading, time

me, lines, seen, owed = None, queue.Queue(), [], {}  # owed: peer -> {value: when it was sent last}


def send(dest, **body):
    print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)


def learn(value, sender):
    if value not in seen:
        seen.append(value)
        for peer in owed:
            if peer != sender:
                owed[peer][value] = 0.0


def handle(src, body):
    global me
    if body["type"] == "init":
        me = body["node_id"]
        owed.update((node, {}) for node in body["node_ids"] if node != me)
    elif body["type"] == "broadcast":
        learn(body["message"], src)
    elif body["type"] == "tell":
        for value in body["values"]:
            learn(value, src)
        return send(src, type="told", values=body["values"])
    elif body["type"] == "told":
        return [owed[src].pop(value, None) for value in body["values"]]
    more = {"messages": seen} if body["type"] == "read" else {}
    send(src, type=body["type"] + "_ok", in_reply_to=body["msg_id"], **more)


threading.Thread(target=lambda: [lines.put(line) for line in iter(sys.stdin.readline, "")] + [lines.put(None)]).start()
while True:
    try:
        if (line := lines.get(timeout=0.05)) is None:
            break
        handle(json.loads(line)["src"], json.loads(line)["body"])
    except queue.Empty:
        pass
    for peer, values in owed.items():
        if due := [value for value, at in values.items() if time.monotonic() - at > 0.5]:
            send(peer, type="tell", values=due)
            values.update((value, time.monotonic()) for value in due)
