# make run | test | bench | install do all the set-up on a fresh Debian or Ubuntu that has Swift installed.

# What it takes to build, and what `snapshot` asks and the kernel tests drive beside it.
BUILD_PACKAGES := pkg-config libxtables-dev libiptc-dev libip4tc-dev libip6tc-dev libpcap-dev
KERNEL_PACKAGES := iptables nftables iproute2 ipset kmod strace
PACKAGES := $(BUILD_PACKAGES) $(KERNEL_PACKAGES)

SWIFT ?= swift
SWIFT_FLAGS ?=
# What is linked early is not linked at every start: Swift's libraries and the C++ library go into the programs, which lie at a
# fixed address, so that none of their forty thousand pointers is to be put right. `iptables -S` starts twice as fast for it.
LINK = -no-pie --config=./release-link.cfg
RELEASE = -c release --static-swift-stdlib -Xswiftc -use-ld=lld -Xlinker --no-export-dynamic \
  $(foreach flag,$(LINK),-Xswiftc -Xclang-linker -Xswiftc $(flag)) $(SWIFT_FLAGS)
BIN = $$($(SWIFT) build $(RELEASE) --show-bin-path)
# The iptables commands run in one thread, and may count their references without a lock on the bus: a fifth of the time of a restore.
COUNTING := retain release retain_n release_n bridgeObjectRetain bridgeObjectRelease bridgeObjectRetain_n bridgeObjectRelease_n
ONE_THREAD = $(foreach call,$(COUNTING),-Xlinker --wrap=swift_$(call) -Xlinker --defsym=__wrap_swift_$(call)=swift_nonatomic_$(call))
PREFIX ?= /usr/local
PROGRAMS := ferrule ferrule-legacy-multi ferrule-xtables

.DEFAULT_GOAL := help
.PHONY: help setup build release install run test conformance soak bench grammar fuzz fuzz-input format docs

help:
	@echo "make run     build, and show an example"
	@echo "make test    build, and run every test (as root the kernel's too)"
	@echo "make conformance  the iptables project's own tests against our binary"
	@echo "make soak    build optimised, and check every structure after each of 10^6 random packets"
	@echo "make bench   build optimised, and measure"
	@echo "make fuzz    engine against kernel on drawn scenarios: TIME=seconds, SEED=number; needs root"
	@echo "make fuzz-input  coverage-guided fuzzing of everything that reads files: TIME=seconds, ENTRY=name"
	@echo "make install build optimised, and install into $(PREFIX): programs and manual pages"
	@echo "make grammar make the grammars, completions and manual pages anew"
	@echo "make format  format the source files"
	@echo "make docs    the libraries' documentation, into .build/docs"
	@echo "make setup   install the Debian packages that are missing"

setup:
	@command -v $(SWIFT) >/dev/null || { \
	  echo "Swift 6.2 or newer is missing: https://www.swift.org/install/linux/" >&2; exit 1; }
	@command -v dpkg-query >/dev/null || { \
	  echo "This is no Debian or Ubuntu: install what these packages hold, then call swift directly:" >&2; \
	  echo "  $(PACKAGES)" >&2; exit 1; }
	@missing=; for package in $(PACKAGES); do \
	  dpkg-query -W -f='$${Status}\n' $$package 2>/dev/null | grep -q '^install ok installed' || missing="$$missing $$package"; \
	done; \
	[ -z "$$missing" ] && exit 0; \
	echo "missing Debian packages:$$missing"; \
	if [ "$$(id -u)" = 0 ]; then root=; \
	elif command -v sudo >/dev/null; then root="sudo"; \
	else echo "Run as root: apt-get update && apt-get install$$missing" >&2; exit 1; fi; \
	$$root apt-get update && $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $$missing || { \
	  echo "Could not install:$$missing" >&2; exit 1; }

build: setup
	$(SWIFT) build $(SWIFT_FLAGS)

release: setup
	for product in ferrule ferrule-xtables; do $(SWIFT) build $(RELEASE) --product $$product || exit; done
	$(SWIFT) build $(RELEASE) $(ONE_THREAD) --product ferrule-legacy-multi

install: release
	install -D -s -t "$(DESTDIR)$(PREFIX)/bin" $(foreach program,$(PROGRAMS),"$(BIN)/$(program)")
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/share/man/man1" Docs/man/*.1

# Findings, then the way of a packet that one of them keeps out.
run: release
	@PATH="$(BIN):$$PATH"; cd Examples/router-mistakes; \
	for command in "ferrule lint ruleset.rules" \
	  "ferrule run --host host.yaml ruleset.rules 'wan0 tcp 198.51.100.7:40000 > 203.0.113.5:443 S'"; do \
	  echo; echo "\$$ $$command"; sh -c "$$command" || [ $$? = 1 ] || exit 1; \
	done

test: setup
	$(SWIFT) test $(SWIFT_FLAGS)
	Tests/Conformance/run.sh "$$($(SWIFT) build $(SWIFT_FLAGS) --show-bin-path)/ferrule-legacy-multi" --may-skip

# The iptables project's own tests against our binary; part of `make test` too.
conformance: build
	Tests/Conformance/run.sh "$$($(SWIFT) build $(SWIFT_FLAGS) --show-bin-path)/ferrule-legacy-multi"

SOAK_PACKETS ?= 1000000
SOAK_SEED ?= 1

# What EvaluatorTests runs for some thousand packets, at length; then 10^6 flows against a table of 65,536.
soak: setup
	$(SWIFT) build $(RELEASE) --product Soak
	"$(BIN)/Soak" $(SOAK_PACKETS) $(SOAK_SEED)
	"$(BIN)/Soak" flood 1000000 65536

bench: release
	$(SWIFT) package --package-path Benchmarks benchmark
	$(SWIFT) run --package-path Benchmarks -c release RestoreComparison "$(BIN)"
	$(SWIFT) run --package-path Benchmarks -c release PacketCosts
	$(SWIFT) run --package-path Benchmarks -c release ScenarioCosts

# What is made from the extensions' tables and the commands' definitions: Grammar/, its completions, and Docs/man.
grammar: setup
	FERRULE_REGENERATE=1 $(SWIFT) test $(SWIFT_FLAGS) --filter 'isFresh|isTheOneInGrammar'

TIME ?= 60

# Drawn rulesets and packets, asked of the engine and of the running kernel; what they disagree about goes into fuzz-found.jsonl.
fuzz: release
	"$(BIN)/ferrule" fuzz --time $(TIME) $(if $(SEED),--seed $(SEED)) \
	  --output fuzz-found.jsonl Examples/*/ruleset.*

# Whatever strangers write is read without a trap, in bounded time and memory; builds into .build-fuzz with libFuzzer, which Swift brings along.
fuzz-input: setup
	SWIFT="$(SWIFT)" Tests/InputFuzzer/fuzz-input.sh $(TIME) $(ENTRY)

# What FormatTests asks for; the rules stand in .swift-format.
format:
	$(SWIFT) format --in-place --parallel --recursive Package.swift Sources Tests Benchmarks

# A module of each library product has a catalogue (*.docc). A link of it that leads nowhere is an error; one module's comments may
# name what only another has.
DOCUMENTED = $(basename $(notdir $(wildcard Sources/*/*.docc)))

docs: build
	@rm -rf .build/docs && mkdir -p .build/docs/archives
	@graphs=$$($(SWIFT) package $(SWIFT_FLAGS) dump-symbol-graph --minimum-access-level public --skip-synthesized-members \
	  | sed -n 's/^Files written to //p'); \
	for module in $(DOCUMENTED); do \
	  mkdir -p .build/docs/$$module && cp "$$graphs/$$module".symbols.json "$$graphs/$$module"@*.symbols.json .build/docs/$$module 2>/dev/null; \
	  docc convert Sources/$$module/$$module.docc --additional-symbol-graph-dir .build/docs/$$module \
	    --fallback-display-name $$module --fallback-bundle-identifier ferrule.$$module \
	    --output-path .build/docs/archives/$$module.doccarchive >.build/docs/$$module/log 2>&1 || { cat .build/docs/$$module/log; exit 1; }; \
	  ! grep -A1 "doesn't exist at" .build/docs/$$module/log | grep -B1 '\.docc/' || exit 1; \
	done
	docc merge .build/docs/archives/*.doccarchive --synthesized-landing-page-name Ferrule --output-path .build/docs/Ferrule.doccarchive
