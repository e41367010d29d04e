"""Opens the pages that Ferrule makes in Chromium: clicks, types, and holds what is seen against what must be seen.

Usage: browser.py FERRULE FOLDER-FOR-SCREENSHOTS

Chromium is driven over two pipes (--remote-debugging-pipe), so that no port is opened and no other package is needed.
"""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

ferrule, pictures = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
root = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
work = tempfile.mkdtemp()


class Browser:
    def __init__(self):
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        to_child, self.output = os.pipe()
        self.input, from_child = os.pipe()

        def pipes():
            # First out of the way of the numbers that they get.
            source, sink = os.dup(to_child), os.dup(from_child)
            high = [os.dup2(source, 90), os.dup2(sink, 91)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
             "--disable-background-networking", f"--user-data-dir={work}/profile", "about:blank"],
            preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_child)
        os.close(from_child)
        self.number, self.rest, self.session, self.events = 0, b"", None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")

    def receive(self):
        while b"\0" not in self.rest:
            piece = os.read(self.input, 1 << 20)
            assert piece, "chromium has ended"
            self.rest += piece
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while (answer := self.receive()).get("id") != self.number:
            self.events.append(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def run(self, script):
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, f"{script}: {result['exceptionDetails']}"
        return result["result"].get("value")

    def wait(self, script, seconds=15):
        end = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < end, f"not in {seconds} s: {script}"
            time.sleep(0.05)
        return value

    def open(self, url, dark=False, width=1400, height=900):
        self.events = []
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def key(self, key, **more):
        text = key if len(key) == 1 else {"Enter": "\r"}.get(key)
        for kind in ["keyDown", "keyUp"]:
            self.call("Input.dispatchKeyEvent", type=kind, key=key, **({"text": text} if text and kind == "keyDown" else {}), **more)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def click(self, selector, text=None):
        found = self.run(f"""(() => {{
          const node = [...document.querySelectorAll({json.dumps(selector)})].find((node) => {json.dumps(text)} === null || node.textContent.includes({json.dumps(text)}));
          if (!node) return null;
          node.scrollIntoView({{ block: 'center' }});
          const box = node.getBoundingClientRect();
          return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")
        assert found, f"there is no {selector} with {text}"
        for kind in ["mousePressed", "mouseReleased"]:
            self.call("Input.dispatchMouseEvent", type=kind, x=found[0], y=found[1], button="left", clickCount=1)

    def picture(self, name):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(f"{pictures}/{name}.png", "wb") as file:
            file.write(base64.b64decode(data))

    def complaints(self):
        """Errors of the page, and requests to anything but the page itself."""
        self.run("1")
        here = self.run("location.href").rsplit("/", 1)[0]
        found = []
        for event in self.events:
            parameters = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(parameters["exceptionDetails"]["text"] + str(parameters["exceptionDetails"].get("exception", {}).get("description")))
            elif event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                # A browser asks every server for its icon by itself.
                if not parameters["entry"].get("url", "").endswith("/favicon.ico"):
                    found.append(parameters["entry"]["text"])
            elif event.get("method") == "Network.requestWillBeSent":
                url = parameters["request"]["url"]
                if not url.startswith(here) and not url.startswith("data:") and not url.endswith("/favicon.ico"):
                    found.append("request to " + url)
        return found

    def close(self):
        try:
            self.call("Browser.close")
        except (AssertionError, OSError):
            pass
        self.process.wait(10)


def page(name, *arguments, cwd=root):
    began = time.monotonic()
    with open(f"{work}/{name}.html", "wb") as file:
        subprocess.run([ferrule, *arguments], stdout=file, check=False, cwd=cwd)
    print(f"browser: {name}: {os.path.getsize(f'{work}/{name}.html') / 1e6:.2f} MB in {time.monotonic() - began:.1f} s")
    return f"file://{work}/{name}.html"


def same(found, wanted):
    assert found == wanted, f"{found!r} instead of {wanted!r}"


def small(browser):
    example = f"{root}/Examples/router-mistakes"
    packet = "wan0 tcp 198.51.100.7:40000 > 203.0.113.5:443 S"
    url = page("small", "explore", "--host", "host.yaml", "--packet", packet, "ruleset.rules", cwd=example)
    browser.open(url)
    same(browser.run("document.querySelector('#chain h2').textContent"), "filter INPUT")
    same(browser.run("document.querySelectorAll('#chain ol.rules > li').length"), 6)
    browser.picture("small")
    # The way of the packet: the deciding rule is lit, and the rules before it say why they did not match.
    browser.click("aside .result button", packet)
    same(browser.run("document.querySelector('#rule4').classList.contains('matched')"), True)
    same(browser.run("document.querySelector('#rule2 .why').textContent"), "-s 10.0.0.0/24: it is 198.51.100.7")
    same(browser.run("[...document.querySelectorAll('ol.way li')].map((li) => li.textContent).join('|')"),
         "PREROUTING in wan0 |defrag: accept|conntrack: NEW|INPUT in wan0 |filter INPUT rule 4 -j DROP")
    same(browser.run("[...document.querySelectorAll('.hook.lit')].map((node) => node.dataset.hook).join()"), "PREROUTING,INPUT")
    browser.picture("small-way")
    # The keys.
    browser.key("Escape")
    same(browser.run("document.querySelectorAll('.matched').length"), 0)
    browser.click(".hook button", "filter · 4 rules")
    same(browser.run("document.querySelector('#chain h2').textContent"), "filter FORWARD")
    browser.key("j")
    browser.key("j")
    browser.key("Enter")
    same(browser.run("document.querySelector('#chain h2').textContent"), "filter guests")
    browser.key("u")
    same(browser.run("document.querySelector('#chain h2').textContent"), "filter FORWARD")
    browser.key("/")
    same(browser.run("document.activeElement.id"), "search")
    browser.type("443")
    browser.wait("[...document.querySelectorAll('ul.chains li')].map((li) => li.firstChild.textContent).join() === 'INPUT'")
    browser.key("Escape")
    # The lists beside the rules; a line of one leads to its rule.
    browser.key("e")
    assert "from any to" in browser.run("document.querySelector('#report .finding').textContent")
    browser.click("#report .finding button", "line ")
    browser.wait("document.querySelector('.current') !== null")
    browser.picture("small-exposure")
    browser.key("f")
    same(browser.run("document.querySelector('#report').getAttribute('aria-label')"), "findings")
    same(browser.run("document.querySelectorAll('#list-d').length"), 0)
    browser.open(url, dark=True)
    browser.click("aside .result button", packet)
    browser.picture("small-dark")
    same(browser.run("getComputedStyle(document.body).backgroundColor"), "rgb(20, 22, 26)")
    browser.open(url, width=480, height=900)
    browser.picture("small-narrow")
    same(browser.run("document.documentElement.scrollWidth <= 480"), True)
    same(browser.complaints(), [])


def changed(browser):
    example = f"{root}/Examples/web-server"
    with open(f"{example}/ruleset.rules") as file, open(f"{work}/old.rules", "w") as old:
        old.write(file.read().replace("443", "8443"))
    browser.open(page("changed", "explore", "--before", f"{work}/old.rules", "ruleset.rules", cwd=example))
    browser.key("d")
    text = browser.run("document.querySelector('#report').innerText")
    assert "drop → accept: " in text and "dport 443" in text and "accept → drop: " in text and "Changed rules" in text, text
    browser.click("#report .finding.warning button", "line ")
    browser.wait("document.querySelector('.current')?.textContent.includes('--ctstate NEW')")
    browser.picture("changed")
    browser.open(browser.run("location.href"), dark=True)
    browser.click("#list-d")
    browser.picture("changed-dark")
    same(browser.complaints(), [])


def served(browser):
    example = f"{root}/Examples/published-port"
    server = subprocess.Popen([ferrule, "serve", "--ip-addr", "ip-addr.txt", "--ip-route", "ip-route.txt", "--sysctl", "sysctl.txt", "ruleset.rules"],
                              cwd=example, stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().strip()
        browser.open(url)
        browser.key("p")
        same(browser.run("document.activeElement.id"), "packet")
        browser.run("document.getElementById('packet').select()")
        browser.type("eth0 tcp 198.51.100.7:40000 > 203.0.113.10:8080 S")
        browser.click("#run")
        browser.wait("document.querySelector('#chain h2').textContent === 'filter DOCKER-USER'")
        assert "dropped at FORWARD by filter DOCKER-USER rule 2" in browser.run("document.querySelector('.result .say').textContent")
        assert "transport.dport is 80, not 8080" in browser.run("document.querySelector('#rule1 .why').textContent")
        browser.picture("served")
        browser.run("document.getElementById('packet').focus(); document.getElementById('packet').select()")
        browser.type("<img src=x onerror=alert(1)>")
        browser.key("Enter", modifiers=2)
        browser.wait("document.querySelector('.problem')?.textContent.startsWith('line 1')")
        same(browser.complaints(), [])
        browser.open(url.rsplit("/", 2)[0] + "/0000/")
        same(browser.run("document.body.textContent.trim()"), "404 Not Found")
    finally:
        server.terminate()
        server.wait()


def large(browser):
    lines = ["*filter", ":INPUT DROP [812:64000]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [99:9000]"]
    lines += [f":net-{i:03} - [0:0]" for i in range(200)] + [":blocked - [0:0]"]
    lines += ["[90000:81000000] -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-A INPUT -j blocked"]
    lines += [f"[{i * 7 % 911}:{i * 531}] -A INPUT -s 10.{i}.0.0/16 -j net-{i:03}" for i in range(200)]
    lines += [f"[{i % 13}:{i}] -A blocked -s 198.18.{i >> 8}.{i & 255}/32 -j DROP" for i in range(3000)]
    lines += [f"[{i % 97}:{i * 60}] -A net-{i % 200:03} -p tcp -m tcp --dport {1000 + i} -m comment --comment \"service {i}\" -j ACCEPT" for i in range(1798)]
    with open(f"{work}/large.rules", "w") as file:
        file.write("\n".join(lines + ["COMMIT", ""]))
    with open(f"{work}/host.yaml", "w") as file:
        file.write("interfaces: {eth0: [192.0.2.1/24]}\n")
    url = page("large", "explore", "--host", "host.yaml", "--packet", "eth0 tcp 10.150.0.9:40000 > 192.0.2.1:2350 S", "large.rules", cwd=work)
    began = time.monotonic()
    browser.open(url)
    browser.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
    opened = time.monotonic() - began
    same(browser.run("D = JSON.parse(document.getElementById('data').textContent).rulesets[0].tables[0].chains.reduce((n, chain) => n + chain.rules.length, 0)"), 5000)
    browser.picture("large")
    began = time.monotonic()
    browser.click("nav button", "blocked")
    browser.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
    same(browser.run("document.querySelectorAll('#chain ol.rules > li').length"), 3001)
    switched = time.monotonic() - began
    browser.click("aside .result button")
    same(browser.run("document.querySelector('#chain h2').textContent"), "filter net-150")
    same(browser.run("document.querySelectorAll('#chain .matched').length"), 1)
    same(browser.run("document.querySelectorAll('#chain .unreached').length"), 2)
    browser.click("nav button", "blocked")
    same(browser.run("document.querySelectorAll('#chain .why').length"), 1849)
    same(browser.run("document.querySelectorAll('#chain .unreached').length"), 0)
    browser.picture("large-way")
    print(f"browser: 5,000 rules are shown after {opened:.2f} s, a chain of 3,000 after {switched:.2f} s")
    assert opened < 10 and switched < 5
    same(browser.complaints(), [])


def hostile(browser):
    words = ["<script>alert(1)</script>", "</script><script>document.title='x'</script>", "<!--<script>", "\u202edesrever", "\u200bzero", "&lt;b&gt;", "'`${1}"]
    lines = ["*filter", ":INPUT ACCEPT [0:0]"] + [f":c{i}{''.join(word.split())[:20]} - [0:0]" for i, word in enumerate(words)]
    lines += [f"-A INPUT -m comment --comment \"{word}\" -j c{i}{''.join(word.split())[:20]}" for i, word in enumerate(words)]
    with open(f"{work}/<img src=x onerror=alert(1)>.rules", "w") as file:
        file.write("\n".join(lines + ["COMMIT", ""]))
    browser.open(page("hostile", "explore", "<img src=x onerror=alert(1)>.rules", cwd=work))
    same(browser.run("document.scripts.length"), 2)
    same(browser.run("document.querySelectorAll('img, iframe, object').length"), 0)
    text = browser.run("document.body.innerText + document.title")
    assert "<script>alert(1)</script>" in text and "\\u{202e}" in text
    assert "\u202e" not in text and "\u200b" not in text
    browser.picture("hostile")
    same(browser.complaints(), [])


def reports(browser):
    example = f"{root}/Examples/hardened-host"
    for name, arguments in [("exposure", ["exposure", "--format", "html", "--listening", "listening.txt"]), ("audit", ["audit", "--profile", "cis", "--format", "html"])]:
        url = page(name, *arguments, "rules.v4", "rules.v6", cwd=example)
        for dark in [False, True]:
            browser.open(url, dark=dark)
            assert browser.run("document.querySelectorAll('table tr').length") > 3
            browser.picture(f"{name}-dark" if dark else name)
        same(browser.complaints(), [])


os.makedirs(pictures, exist_ok=True)
browser = Browser()
try:
    for test in [small, changed, served, large, hostile, reports]:
        if len(sys.argv) < 4 or test.__name__ in sys.argv[3:]:
            test(browser)
finally:
    browser.close()
    shutil.rmtree(work, ignore_errors=True)
print("browser: ok")
