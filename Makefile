# On a Debian or Ubuntu with Swift installed, run, test, bench and install also install the missing packages.

# Packages needed to build; programs that `ferrule snapshot` and the kernel tests run.
BUILD_PACKAGES := pkg-config libxtables-dev libiptc-dev libip4tc-dev libip6tc-dev libpcap-dev zlib1g-dev
KERNEL_PACKAGES := iptables nftables iproute2 ipset kmod strace
PACKAGES := $(BUILD_PACKAGES) $(KERNEL_PACKAGES)

SWIFT ?= swift
SWIFT_FLAGS ?=
# Link Swift's libraries and the C++ library statically and non-PIE: no start-up relocations. This halves the start-up time of
# `iptables -S`.
LINK = -no-pie --config=./release-link.cfg
RELEASE = -c release --static-swift-stdlib -Xswiftc -use-ld=lld -Xlinker --no-export-dynamic \
  $(foreach flag,$(LINK),-Xswiftc -Xclang-linker -Xswiftc $(flag)) $(SWIFT_FLAGS)
# The commit that --version tells; empty where there is no repository.
COMMIT = FERRULE_COMMIT=$$(git rev-parse --short=12 HEAD 2>/dev/null)
BIN = $$($(SWIFT) build $(RELEASE) --show-bin-path)
# The iptables commands are single-threaded, so they use non-atomic reference counting. This saves a fifth of the time of a restore.
COUNTING := retain release retain_n release_n bridgeObjectRetain bridgeObjectRelease bridgeObjectRetain_n bridgeObjectRelease_n
ONE_THREAD = $(foreach call,$(COUNTING),-Xlinker --wrap=swift_$(call) -Xlinker --defsym=__wrap_swift_$(call)=swift_nonatomic_$(call))
PREFIX ?= /usr/local
PROGRAMS := ferrule ferrule-legacy-multi ferrule-nft-multi ferrule-xtables

.DEFAULT_GOAL := help
.PHONY: help setup build release install tarball deb integration api run test conformance soak bench instructions grammar fuzz fuzz-input format docs

help:
	@echo "make run     build, and show an example"
	@echo "make test    build, and run every test (as root also those with the kernel)"
	@echo "make conformance  run the iptables project's own tests with our binary"
	@echo "make soak    build optimised, and check all structures after each of 10^6 random packets"
	@echo "make bench   build optimised, and measure; table and plots in .build/bench"
	@echo "make instructions  build optimised, and count instructions with valgrind: RECORD=1 records them"
	@echo "make fuzz    compare engine and kernel on random scenarios: TIME=seconds, SEED=number; needs root"
	@echo "make fuzz-input  coverage-guided fuzzing of everything that reads files: TIME=seconds, ENTRY=name"
	@echo "make install build optimised, and install into $(PREFIX): programs and manual pages"
	@echo "make tarball build optimised, and make a relocatable archive in .build/tarball"
	@echo "make deb     build optimised, and make Debian packages in .build/deb"
	@echo "make integration  build, and test packages, editor, browser and CI with the real tools: ONLY=\"script …\""
	@echo "make api     list what breaks programs that use the libraries, since the last tag: SINCE=tag"
	@echo "make grammar generate grammars, completions and manual pages"
	@echo "make format  format the source files"
	@echo "make docs    build the documentation of the libraries in .build/docs"
	@echo "make setup   install missing Debian packages"

setup:
	@command -v $(SWIFT) >/dev/null || { \
	  echo "Swift 6.2 or newer is missing: https://www.swift.org/install/linux/" >&2; exit 1; }
	@command -v dpkg-query >/dev/null || { \
	  echo "This is not Debian or Ubuntu. Install the equivalent of these packages, then call swift directly:" >&2; \
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
	for product in ferrule ferrule-xtables; do $(COMMIT) $(SWIFT) build $(RELEASE) --product $$product || exit; done
	for product in ferrule-legacy-multi ferrule-nft-multi; do $(COMMIT) $(SWIFT) build $(RELEASE) $(ONE_THREAD) --product $$product || exit; done

install: release
	install -D -s -t "$(DESTDIR)$(PREFIX)/bin" $(foreach program,$(PROGRAMS),"$(BIN)/$(program)")
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/share/man/man1" Docs/man/*.1

tarball: release
	Packaging/tarball.sh "$(BIN)" .build/tarball

deb: release
	Packaging/deb/build.sh "$(BIN)" .build/deb

ONLY ?=

# What needs other programs, which it installs: packages under lintian and dpkg, hooks under pre-commit, an editor, a browser, Spark, Ansible.
integration: build
	@MAKE="$(MAKE)" Tests/Integration/run.sh "$$($(SWIFT) build $(SWIFT_FLAGS) --show-bin-path)" "$(BIN)" $(ONLY)

# Changes of public declarations that break programs which use the libraries: the status is 1 if there are any. Both versions are built.
SINCE ?= $(shell git describe --tags --abbrev=0 2>/dev/null)

api: setup
	@[ -n "$(SINCE)" ] || { echo "There is no tag to compare with: say SINCE=COMMIT." >&2; exit 2; }
	$(SWIFT) package $(SWIFT_FLAGS) diagnose-api-breaking-changes "$(SINCE)"

# Shows the findings in an example, then the trace of a packet that one of the mistakes drops.
run: release
	@PATH="$(BIN):$$PATH"; cd Examples/router-mistakes; \
	for command in "ferrule lint ruleset.rules" \
	  "ferrule run --host host.yaml ruleset.rules 'wan0 tcp 198.51.100.7:40000 > 203.0.113.5:443 S'"; do \
	  echo; echo "\$$ $$command"; sh -c "$$command" || [ $$? = 1 ] || exit 1; \
	done

# What failed is listed again at the end, because a log of CI may hold only its last lines.
test: setup
	@mkdir -p .build && rm -f .build/tests.failed
	{ $(SWIFT) test $(SWIFT_FLAGS) || touch .build/tests.failed; } 2>&1 | tee .build/tests.log
	@test ! -e .build/tests.failed || { echo "Failed (all output: .build/tests.log):"; \
	  grep -aA12 '✘ .* recorded an issue' .build/tests.log | grep -avE '^(◇|✔|--)' | cut -c1-2000 | head -100; exit 1; }
	for variant in legacy nft; do \
	  Tests/Conformance/run.sh "$$($(SWIFT) build $(SWIFT_FLAGS) --show-bin-path)/ferrule-$$variant-multi" --may-skip || exit; \
	done

# The iptables project's own tests with our binary; also part of `make test`.
conformance: build
	for variant in legacy nft; do Tests/Conformance/run.sh "$$($(SWIFT) build $(SWIFT_FLAGS) --show-bin-path)/ferrule-$$variant-multi" || exit; done

SOAK_PACKETS ?= 1000000
SOAK_SEED ?= 1

# The soak test of EvaluatorTests with more packets; then 10^6 flows with a connection table of 65,536 entries.
soak: setup
	$(SWIFT) build $(RELEASE) --product Soak
	"$(BIN)/Soak" $(SOAK_PACKETS) $(SOAK_SEED)
	"$(BIN)/Soak" flood 1000000 65536

BENCH = $(SWIFT) run --package-path Benchmarks -c release
RECORD ?=

# Every measurement, also after one that misses a bar; the status is 1 if any did. Writes the table and plots into .build/bench.
bench: release
	@rm -rf .build/bench && mkdir -p .build/bench
	@{ $(SWIFT) package --package-path Benchmarks benchmark || touch .build/bench/missed; \
	$(BENCH) RestoreComparison "$(BIN)" || touch .build/bench/missed; \
	$(BENCH) PacketCosts --plots .build/bench || touch .build/bench/missed; \
	$(BENCH) AnalysisCosts "$(BIN)" || touch .build/bench/missed; \
	$(BENCH) ScenarioCosts || touch .build/bench/missed; \
	$(BENCH) InstructionCounts Benchmarks/instructions.txt || touch .build/bench/missed; } 2>&1 | tee .build/bench/table.txt
	@test ! -e .build/bench/missed

# Instructions of five pieces of work under valgrind, which other load does not disturb. Fails if one takes more than 5 % more than
# Benchmarks/instructions.txt says; RECORD=1 writes that file.
instructions: setup
	$(BENCH) InstructionCounts Benchmarks/instructions.txt $(if $(RECORD),--record)

# Regenerates Grammar/ with its completions, and Docs/man, from the option tables and the command definitions.
grammar: setup
	FERRULE_REGENERATE=1 $(SWIFT) test $(SWIFT_FLAGS) --filter 'isFresh|isTheOneInGrammar'

TIME ?= 60

# Compares engine and running kernel on random rulesets and packets; differences are written to fuzz-found.jsonl.
fuzz: release
	"$(BIN)/ferrule" fuzz --time $(TIME) $(if $(SEED),--seed $(SEED)) \
	  --output fuzz-found.jsonl Examples/*/ruleset.*

# Coverage-guided fuzzing of all input readers: no trap, bounded time and memory. Builds into .build-fuzz with the libFuzzer of the Swift
# toolchain.
fuzz-input: setup
	SWIFT="$(SWIFT)" Tests/InputFuzzer/fuzz-input.sh $(TIME) $(ENTRY)

# What FormatTests asks for; the rules stand in .swift-format.
format:
	$(SWIFT) format --in-place --parallel --recursive Package.swift Sources Products Tests Benchmarks Examples

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
