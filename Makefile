# SPDX-License-Identifier: GPL-2.0-or-later
#
# make            builds ./warren
# make deps       installs what building and running need (Debian, as root)
# make demo       the niransix lab: up, shown, and down again (as root)
# make check      all tests (as root); what they need is installed first
# make check-unit | check-schema | check-system | check-vm    parts of it
# make lint       format, clang-tidy, cppcheck, includes, spelling, shell scripts
# make sanitize   unit and system tests under AddressSanitizer and UBSan (as root); of the
#                 instants at which crash tests end warren, every third
# make fuzz       the fuzzers of the loader, the editor and profiles, FUZZ_SECONDS=60 each
# make bench      what it costs, against a script and a bare loop (as root)
# make bench-disturb   do 200 tenants notice that others are changed? (as root; ten minutes)
# make install | uninstall    below PREFIX=/usr/local and DESTDIR
# make clean
# V=1 shows the commands.

VERSION := 0.1.0

PREFIX      ?= /usr/local
BINDIR      ?= $(PREFIX)/bin
MANDIR      ?= $(PREFIX)/share/man
DATADIR     ?= $(PREFIX)/share/warren
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR  ?= $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d
UNITDIR     ?= $(PREFIX)/lib/systemd/system
# where the program looks for labs, whatever PREFIX is
ETCDIR      := /etc/warren

CFLAGS ?= -O2 -g
BUILD  ?= build/release
BINARY ?= warren

# --- what Debian packages each part needs --------------------------------------------
BUILD_PACKAGES := gcc libc6-dev pkg-config libnl-3-dev libnl-route-3-dev libnftnl-dev \
	libmnl-dev libyaml-dev libjansson-dev libsodium-dev libevent-dev libqrencode-dev libpng-dev
RUN_PACKAGES   := wireguard-go iproute2
DEMO_PACKAGES  := wireguard-tools conntrack iputils-ping
TEST_PACKAGES  := $(DEMO_PACKAGES) netbase libcmocka-dev nftables tcpdump procps util-linux ethtool jq \
	python3 python3-yaml python3-jsonschema socat patch strace graphviz mandoc zsh fish vagrant \
	qemu-system-x86 busybox-static cpio kmod file systemd zbar-tools librsvg2-bin
LINT_PACKAGES  := clang clang-format clang-tidy cppcheck codespell shellcheck
BENCH_PACKAGES := $(TEST_PACKAGES) time mininet iperf3

# --- how to compile -------------------------------------------------------------------
LIBS := libnl-3.0 libnl-route-3.0 libnftnl libmnl yaml-0.1 jansson libsodium libevent \
	libqrencode libpng
pkg   = $(shell pkg-config $(1) 2>/dev/null)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wmissing-prototypes \
	-Wstrict-prototypes -Wpointer-arith -Wwrite-strings -Wvla -Wimplicit-fallthrough -Werror
HARDEN := -fstack-protector-strong -fPIE
ifeq ($(SANITIZE),)
HARDEN += -D_FORTIFY_SOURCE=2
else
WARN += -Wno-format-truncation -Wno-conversion # instrumented code confuses them
endif
DEFINES := -D_GNU_SOURCE -I. -DWARREN_VERSION='"$(VERSION)"'
LIB_CFLAGS := $(call pkg,--cflags $(LIBS))
LIB_LDLIBS := $(call pkg,--libs $(LIBS)) -lm -pthread
ALL_CFLAGS  = -std=gnu11 $(DEFINES) $(LIB_CFLAGS) $(WARN) $(HARDEN) $(CPPFLAGS) $(CFLAGS) $(SANITIZE)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(LDFLAGS) $(SANITIZE)

say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2);)

ROOMS := base netns wg nat probe lab watch cmd
SRC   := $(wildcard $(ROOMS:%=%/*.c))
OBJ   := $(SRC:%.c=$(BUILD)/%.o)
CORE  := $(filter-out $(BUILD)/cmd/main.o,$(OBJ))
UNIT  := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
# drivers that system tests look through at one room: tests/system/NAME_tool.c
TOOLS := $(patsubst tests/system/%.c,$(BUILD)/tests/system/%,$(wildcard tests/system/*_tool.c))

.PHONY: all deps demo check check-unit check-schema check-system check-vm lint sanitize fuzz \
	bench bench-disturb doc install install-unit uninstall clean help
.SECONDARY:

all: $(BINARY)

$(BINARY): $(OBJ)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIB_LDLIBS)

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# other flags, other objects
FLAGS := $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS))' | cmp -s - $@ || \
		printf '%s\n' '$(subst ','\'',$(FLAGS))' >$@
FORCE:

$(BUILD)/libwarren.a: $(CORE)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libwarren.a
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIB_LDLIBS) $(call pkg,--libs cmocka)

$(BUILD)/tests/system/%_tool: $(BUILD)/tests/system/%_tool.o $(BUILD)/libwarren.a
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIB_LDLIBS)

DISTURB := $(addprefix $(BUILD)/tests/system/disturb_,tool.o traffic.o report.o)
$(BUILD)/tests/system/disturb_tool: $(DISTURB) $(BUILD)/libwarren.a
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIB_LDLIBS)

-include $(OBJ:.o=.d) $(UNIT:=.d) $(TOOLS:=.d) $(DISTURB:.o=.d)

# --- packages ------------------------------------------------------------------------------
deps:
	@.ci/need $(BUILD_PACKAGES) $(RUN_PACKAGES)

# pkg-config is asked when make reads this file: what was installed just now needs a new make
demo:
	@.ci/need $(BUILD_PACKAGES) $(RUN_PACKAGES) $(DEMO_PACKAGES)
	@$(MAKE) --no-print-directory all
	@topologies/demo

# --- tests -----------------------------------------------------------------------------------
check:
	@.ci/need $(BUILD_PACKAGES) $(RUN_PACKAGES) $(TEST_PACKAGES)
	@$(MAKE) --no-print-directory check-unit
	@$(MAKE) --no-print-directory check-schema check-system check-vm

check-unit: $(UNIT)
	@tests/run-unit $(UNIT)

check-schema: $(BINARY)
	@WARREN=$(abspath $(BINARY)) tests/schema.py

check-system: $(BINARY) $(TOOLS)
	@WARREN=./$(BINARY) WARREN_TOOLS=$(abspath $(BUILD))/tests/system tests/run-system $(TESTS)

check-vm: $(BINARY)
	@WARREN=$(abspath $(BINARY)) tests/vm/check $(TESTS)

SANITIZED := BUILD=build/sanitize BINARY=build/sanitize/warren CFLAGS='-O1 -g' \
	SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
sanitize:
	@.ci/need $(BUILD_PACKAGES) $(RUN_PACKAGES) $(TEST_PACKAGES)
	@WARREN_FAULT_STEP=3 $(MAKE) --no-print-directory $(SANITIZED) check-unit check-schema check-system

lint:
	@.ci/need $(BUILD_PACKAGES) $(LINT_PACKAGES) libcmocka-dev
	@$(MAKE) --no-print-directory compile-flags
	@tests/lint

# for clang-tidy, and for editors that read compile_flags.txt
.PHONY: compile-flags
compile-flags:
	@mkdir -p build
	@printf '%s\n' -std=gnu11 $(DEFINES) $(LIB_CFLAGS) -Wall -Wextra >build/compile_flags.txt

FUZZ_SECONDS ?= 60
# the loader, the editor and the reader of profiles, which are pure, and what they need
FUZZ_SRC := $(wildcard lab/load.c lab/bundle.c lab/read*.c lab/resolve*.c lab/yaml*.c lab/expand.c \
	lab/lease.c lab/names.c lab/print*.c) base/arena.c base/addr.c base/diag.c base/err.c \
	base/suggest.c base/table.c base/text.c wg/key.c
build/fuzz/fuzz_edit: $(addprefix lab/,edit.c edit_entry.c edit_find.c edit_mask.c edit_pair.c \
	edit_text.c edit_tree.c)
build/fuzz/fuzz_profile: $(wildcard wg/profile*.c wg/profile*.h lab/import*.c)
build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ_SRC) $(wildcard base/*.h lab/*.h wg/key.h)
	@mkdir -p $(@D)
	clang -std=gnu11 $(DEFINES) $(LIB_CFLAGS) -O1 -g -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $(filter %.c,$^) $(LIB_LDLIBS)
fuzz: fuzz-load fuzz-edit fuzz-profile
.PHONY: fuzz-load fuzz-edit fuzz-profile
fuzz-load: FUZZ_SEEDS := tests/fuzz/corpus/load
fuzz-edit: FUZZ_SEEDS := tests/fuzz/corpus/load tests/golden/edit
fuzz-profile: FUZZ_SEEDS := -dict=tests/fuzz/profile.dict tests/fuzz/corpus/profile
fuzz-load fuzz-edit fuzz-profile: fuzz-%:
	@.ci/need $(BUILD_PACKAGES) clang
	@$(MAKE) --no-print-directory build/fuzz/fuzz_$*
	@mkdir -p build/fuzz/corpus-$*
	build/fuzz/fuzz_$* -max_total_time=$(FUZZ_SECONDS) -timeout=5 -rss_limit_mb=512 \
		-print_final_stats=1 -artifact_prefix=build/fuzz/ build/fuzz/corpus-$* $(FUZZ_SEEDS)

bench:
	@.ci/need $(BUILD_PACKAGES) $(RUN_PACKAGES) $(BENCH_PACKAGES)
	@$(MAKE) --no-print-directory all
	@tests/bench/run.sh $(BENCH)
	@tests/bench/scale.sh $(BENCH)
	@tests/bench/flow.sh $(BENCH)
	@tests/bench/vm.sh $(BENCH)

bench-disturb:
	@.ci/need $(BUILD_PACKAGES) $(RUN_PACKAGES) $(TEST_PACKAGES)
	@$(MAKE) --no-print-directory all $(BUILD)/tests/system/disturb_tool
	@tests/bench/disturb.sh $(BENCH)

# --- manual and installation ------------------------------------------------------------------
doc: build/doc/warren.1 build/doc/warren-topology.5

build/doc/warren.1: doc/warren.1.in $(BINARY)
	@mkdir -p $(@D)
	$(abspath $(BINARY)) help --mdoc | sed -e '/^@COMMANDS@$$/{r /dev/stdin' -e 'd}' -e 's/@VERSION@/$(VERSION)/' \
		doc/warren.1.in >$@

build/doc/warren-topology.5: doc/warren-topology.5
	@mkdir -p $(@D)
	cp $< $@

# a folder of labs, and the unit that makes one of them: systemctl enable --now warren@LAB
install-unit:
	install -d $(DESTDIR)$(UNITDIR)
	sed 's|@BINDIR@|$(BINDIR)|' systemd/warren@.service.in >$(DESTDIR)$(UNITDIR)/warren@.service
	chmod 644 $(DESTDIR)$(UNITDIR)/warren@.service
	install -dm700 $(DESTDIR)$(ETCDIR)

install: all doc install-unit
	install -Dm755 $(BINARY) $(DESTDIR)$(BINDIR)/warren
	install -Dm644 -t $(DESTDIR)$(MANDIR)/man1 build/doc/warren.1
	install -Dm644 -t $(DESTDIR)$(MANDIR)/man5 build/doc/warren-topology.5
	install -Dm644 -t $(DESTDIR)$(DATADIR)/topologies topologies/*.yaml topologies/schema.json
	install -Dm644 -t $(DESTDIR)$(DATADIR)/topologies/branches topologies/branches/topology.yaml
	install -Dm644 -t $(DESTDIR)$(DATADIR)/topologies/branches/tenants.d topologies/branches/tenants.d/*.yaml
	install -d $(DESTDIR)$(BASHCOMPDIR) $(DESTDIR)$(ZSHCOMPDIR) $(DESTDIR)$(FISHCOMPDIR)
	$(abspath $(BINARY)) completion bash >$(DESTDIR)$(BASHCOMPDIR)/warren
	$(abspath $(BINARY)) completion zsh >$(DESTDIR)$(ZSHCOMPDIR)/_warren
	$(abspath $(BINARY)) completion fish >$(DESTDIR)$(FISHCOMPDIR)/warren.fish

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/warren $(DESTDIR)$(MANDIR)/man1/warren.1 \
		$(DESTDIR)$(MANDIR)/man5/warren-topology.5 $(DESTDIR)$(BASHCOMPDIR)/warren \
		$(DESTDIR)$(ZSHCOMPDIR)/_warren $(DESTDIR)$(FISHCOMPDIR)/warren.fish
	rm -f $(DESTDIR)$(UNITDIR)/warren@.service
	rm -rf $(DESTDIR)$(DATADIR)
	rmdir $(DESTDIR)$(ETCDIR) 2>/dev/null || true # labs stay

clean:
	rm -rf build $(BINARY)

help:
	@sed -n '3,16s/^# \{0,1\}//p' Makefile
