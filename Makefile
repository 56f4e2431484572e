# SPDX-License-Identifier: GPL-2.0-or-later
#
# make            builds ./warren
# make deps       installs what building and running need (Debian, as root)
# make demo       the niransix lab, up, shown and down again (as root)
# make check      all tests (as root); what they need is installed first
# make help       the other targets

VERSION := 0.1.0

PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share/warren
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR  ?= $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d

CC      ?= cc
CFLAGS  ?= -O2 -g
BUILD   ?= build/release
BINARY  ?= warren

LIBS := libnl-3.0 libnl-route-3.0 libnftnl libmnl yaml-0.1 jansson libsodium libevent
# `make V=1` shows the commands
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2);)
pkg = $(shell pkg-config $(1) 2>/dev/null)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wmissing-prototypes \
	-Wstrict-prototypes -Wpointer-arith -Wwrite-strings -Wvla -Wimplicit-fallthrough -Werror
HARDEN := -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
override CPPFLAGS += -D_GNU_SOURCE -I. -DWARREN_VERSION='"$(VERSION)"' $(call pkg,--cflags $(LIBS))
override LDLIBS += $(call pkg,--libs $(LIBS)) -pthread
LDFLAGS ?= -pie -Wl,-z,relro,-z,now

ROOMS := base netns wg nat probe lab watch cmd
SRC   := $(wildcard $(ROOMS:%=%/*.c))
OBJ   := $(SRC:%.c=$(BUILD)/%.o)
CORE  := $(filter-out $(BUILD)/cmd/main.o,$(OBJ))
UNIT  := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))

.PHONY: all unit
all: $(BINARY)

$(BINARY): $(OBJ)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -std=gnu11 $(CPPFLAGS) $(WARN) $(HARDEN) $(CFLAGS) -MMD -MP -c -o $@ $<

# unit tests: one program each, linked with everything but main()
$(BUILD)/libwarren.a: $(CORE)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libwarren.a
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(call pkg,--libs cmocka)

unit: $(UNIT)
	@set -e; for t in $(UNIT); do echo "$$t"; ./$$t; done

-include $(OBJ:.o=.d) $(UNIT:=.d)
.SECONDARY:
