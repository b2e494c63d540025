# Ringcast. `make` builds build/ringcast; `make help` lists the rest. V=1 shows whole commands.
#
# Every .c below imaging/, net/ and board/ belongs to the program, every .c below rootfs/init to PID 1. It is compiled in up to five flavours, each in
# its own build/obj/<flavour>/:
#   rel   the product: musl, static            asan  unit tests: glibc, address and undefined-behaviour sanitizers
#   host  simulation, benchmarks: glibc, -O2   fuzz  fuzz targets: clang, the same sanitizers, coverage
#   tsan  the program under the thread sanitizer: glibc
# Third-party code comes from tools/deps, which keeps it outside the checkout.

MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
export LC_ALL := C
export SOURCE_DATE_EPOCH ?= 1

goals := $(or $(MAKECMDGOALS),all)
passive := help clean distclean bump
Q := $(if $(V),,@)
comma := ,
say = $(if $(V),,@printf '  %-5s %s\n' '$1' '$2')

all: build/ringcast build/init compile_commands.json share ## build/ringcast and build/init (static), build/*.debug (with symbols), manual, completion

# --- packages -------------------------------------------------------------------------------------------------------
# Missing Debian packages are installed before anything else: make starts over after making an included file.
ifneq ($(filter-out $(passive),$(goals)),)
tags := build $(filter test check fuzz demo bench fmt kernel image run repro,$(goals:pictures=demo))
include $(tags:%=build/packages/%)
endif
build/packages/%: tools/packages.txt
	@tools/install-packages $*
	@mkdir -p $(@D) && touch $@
ready := $(wildcard build/packages/build)

# --- third-party code -----------------------------------------------------------------------------------------------
ifneq ($(ready),)
deps := RINGCAST_CACHE='$(RINGCAST_CACHE)' tools/deps
SRC := $(shell $(deps) path src)
MUSL := $(shell $(deps) path musl)
$(foreach w,rel host asan,$(eval DEPS_$w := $(shell $(deps) path $w)))
DEPS_fuzz := $(DEPS_host)
DEPS_tsan := $(DEPS_host)
$(foreach w,rel host asan,$(eval $(DEPS_$w)/.done: ; @$(deps) build $w))
endif

# --- what is made before it is compiled -----------------------------------------------------------------------------
ifneq ($(ready),)
$(foreach w,FONT BOOT KERNEL WWW BROWSER,$(eval $w := $(shell $(deps) path $(shell echo $w | tr A-Z a-z))))
$(FONT)/.done: ; @$(deps) build font
$(BOOT)/.done: ; @$(deps) build boot
$(KERNEL)/.done: ; @$(deps) build kernel
$(WWW)/.done: ; @$(deps) build www
$(BROWSER)/.done: ; @$(deps) build browser
build/gen/font.c: tools/psf2c | $(FONT)/.done
	@mkdir -p $(@D)
	$(Q)tools/psf2c $(FONT)/console-setup-linux/usr/share/consolefonts/Lat15-TerminusBold32x16.psf.gz > $@
build/gen/www.c: tools/www rootfs/www $(wildcard rootfs/www/*) | $(WWW)/.done
	@mkdir -p $(@D)
	$(Q)tools/www $(WWW) $(@D)
build/gen/openapi.c: tools/embed net/web/openapi.json
	@mkdir -p $(@D)
	$(Q)tools/embed net/web/openapi.h web_openapi net/web/openapi.json > $@
endif

# --- what is compiled, and how --------------------------------------------------------------------------------------
find = $(sort $(shell find $1 -name '*.c' 2>/dev/null))
product := $(call find,imaging net board rootfs)
made := build/gen/font.c build/gen/www.c build/gen/openapi.c
library := $(filter-out board/cli/main.c rootfs/init/main.c,$(product)) $(made)
unit := $(wildcard tests/unit/*_test.c)
boot_main := tests/boot/switch.c tests/boot/port.c tests/boot/door.c
boot := $(filter-out $(boot_main),$(call find,tests/boot))
unit_help := $(filter-out $(unit),$(call find,tests/unit)) $(boot)
fuzz := $(wildcard tests/fuzz/*_fuzz.c)
sim := $(call find,tests/sim)
bench := $(wildcard tests/bench/*.c)
campaign_help := tests/campaign/liar.c
faults := $(wildcard tests/campaign/faults*.c)
campaign := $(filter-out $(campaign_help) $(faults),$(wildcard tests/campaign/*.c))
e2e := $(wildcard tests/e2e/*.c)

# lwIP belongs to one configuration file; until it is there, no lwIP.
lwip_core := init def dns inet_chksum ip mem memp netif pbuf raw stats sys altcp altcp_alloc altcp_tcp tcp tcp_in \
	tcp_out timeouts udp
lwip_ipv4 := acd autoip dhcp etharp icmp igmp ip4_frag ip4 ip4_addr
lwip := $(if $(wildcard net/ip/lwipopts.h),$(lwip_core:%=core/%) $(lwip_ipv4:%=core/ipv4/%) netif/ethernet api/err \
	apps/mdns/mdns apps/mdns/mdns_domain apps/mdns/mdns_out)

CC_rel := $(MUSL)/bin/cc
CC_host := gcc
CC_asan := gcc
CC_fuzz := clang
CC_tsan := gcc

WARN := -Wall -Wextra -Wshadow -Wcast-qual -Wstrict-prototypes $(if $(NO_WERROR),,-Werror)
BASE := -std=gnu11 -g -pthread -D_GNU_SOURCE -ffile-prefix-map=$(CURDIR)=. -I.
SANITIZE := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_rel := $(BASE) -O2 -ffunction-sections -fdata-sections
FLAGS_host := $(BASE) -O2
FLAGS_asan := $(BASE) $(SANITIZE)
FLAGS_fuzz := $(BASE) $(SANITIZE) -fsanitize=fuzzer-no-link
FLAGS_tsan := $(BASE) -O1 -fno-omit-frame-pointer -fsanitize=thread
LINK_rel := -static -Wl,--gc-sections,-Map=build/ringcast.map
WARN_rel := $(WARN)
WARN_host := $(WARN)
WARN_asan := $(WARN)
WARN_fuzz := -w
WARN_tsan := -w
include_of = -Inet/ip -isystem $(SRC)/lwip/src/include -isystem $(DEPS_$1)/include -isystem $(QR)/include \
	-DMBEDTLS_USER_CONFIG_FILE='<mbedtls_user.h>'
QR := $(FONT)/libqrcodegen-dev/usr
LIBS := -lmbedtls -lmbedx509 -lmbedcrypto -llz4 -linih $(QR)/lib/x86_64-linux-gnu/libqrcodegen.a
# link FLAVOUR,OUTPUT,OBJECTS,FLAGS: the program's objects and lwIP are archives, so only what is used goes in.
link = $(CC_$1) $(FLAGS_$1) $4 -o $2 $3 -Wl,--start-group build/obj/$1/ringcast.a build/obj/$1/lwip.a \
	-L$(DEPS_$1)/lib $(LIBS) -Wl,--end-group -lm
# The same, and note which objects of ours went in: the next link happens when one of those changes, not before.
link_used = $(call link,$1,$2,$3,$4 -Wl$(comma)--trace) > $2.used && \
	grep -o 'build/obj/[^()]*\.o' $2.used | sed 's,.*,$2: &\n&:,' > $2.d

define flavour
build/obj/$1/flags: FORCE
	@mkdir -p $$(@D); echo "$$(CC_$1) $$(FLAGS_$1) $$(WARN_$1) $$(LINK_$1) $$(DEPS_$1)" > $$@.new
	@cmp -s $$@.new $$@ && rm $$@.new || mv $$@.new $$@
build/obj/$1/%.o: %.c build/obj/$1/flags | $(DEPS_$1)/.done $(FONT)/.done
	$$(call say,CC,$1 $$*.o)
	@mkdir -p $$(@D)
	$$(Q)$$(CC_$1) $$(FLAGS_$1) $$(WARN_$1) $$(call include_of,$1) -MMD -MP -c $$< -o $$@
$(lwip:%=build/obj/$1/lwip/%.o): build/obj/$1/lwip/%.o: build/obj/$1/flags net/ip/lwipopts.h | $(DEPS_$1)/.done
	$$(call say,CC,$1 lwip/$$*.o)
	@mkdir -p $$(@D)
	$$(Q)$$(CC_$1) $$(FLAGS_$1) -w $$(call include_of,$1) -ffile-prefix-map=$(SRC)=deps \
		-MMD -MP -c $(SRC)/lwip/src/$$*.c -o $$@
build/obj/$1/ringcast.a: $(library:%.c=build/obj/$1/%.o)
build/obj/$1/lwip.a: $(lwip:%=build/obj/$1/lwip/%.o) build/obj/$1/flags
-include $$(patsubst %.c,build/obj/$1/%.d,$(product) $(made)) $(lwip:%=build/obj/$1/lwip/%.d)
endef
$(foreach f,rel host asan fuzz tsan,$(eval $(call flavour,$f)))
build/obj/asan/ringcast.a: $(unit_help:%.c=build/obj/asan/%.o)

# Thin archives remember each member's whole path; D leaves out owners and dates.
%.a:
	$(call say,AR,$@)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)ar rcsDT $@ $(filter %.o,$^)
FORCE:

# --- the program ----------------------------------------------------------------------------------------------------
build/ringcast: build/ringcast.debug
	$(call say,STRIP,$@)
	$(Q)strip -o $@ $<
build/ringcast.debug: build/obj/rel/board/cli/main.o build/obj/rel/ringcast.a build/obj/rel/lwip.a
	$(call say,LINK,$@)
	$(Q)$(call link,rel,$@,$<,$(LINK_rel))

# The same under the thread sanitizer, for tests/campaign/threads.sh.
build/tsan/ringcast: build/obj/tsan/board/cli/main.o build/obj/tsan/ringcast.a build/obj/tsan/lwip.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(call link,tsan,$@,$<)

# PID 1 of the box and of its targets.
build/init: build/init.debug
	$(call say,STRIP,$@)
	$(Q)strip -o $@ $<
build/init.debug: $(patsubst %.c,build/obj/rel/%.o,$(call find,rootfs/init) imaging/hash/crc.c net/os/clock.c)
	$(call say,LINK,$@)
	$(Q)$(CC_rel) $(FLAGS_rel) -static -Wl,--gc-sections -o $@ $^

# --- what people read, and what their shells complete ------------------------------------------------------------------
pages := $(foreach n,1 5,$(patsubst board/cli/man/%,build/man/man$n/%,$(wildcard board/cli/man/*.$n)))
share: $(pages) $(foreach s,bash zsh fish,build/completion/ringcast.$s)
$(pages):
	@mkdir -p $(@D) && cp board/cli/man/$(@F) $@
$(foreach p,$(pages),$(eval $p: board/cli/man/$(notdir $p)))
build/completion/ringcast.%: build/ringcast
	@mkdir -p $(@D) && build/ringcast completion $* > $@

# --- the box --------------------------------------------------------------------------------------------------------
box := build/ringcast-pc-x86_64.img
$(box): build/ringcast build/init tools/image tools/mkcpio boot/uefi/mkuki boot/uefi/mkleave boot/bios/syslinux.cfg rootfs/ringcast.conf $(KERNEL)/.done $(BOOT)/.done
	$(call say,IMAGE,$@)
	$(Q)tools/image $(KERNEL) $(BOOT) build
$(box).zst: $(box)
	$(call say,ZSTD,$@)
	$(Q)zstd -q -f -T0 -15 --long=27 $< -o $@
$(box).bmap: $(box)
	$(Q)bmaptool -q create -o $@ $<
$(box).sha256: $(box) $(box).zst
	$(Q)cd build && sha256sum $(notdir $^) > $(@F)

# --- tests ----------------------------------------------------------------------------------------------------------
unit_bin := $(unit:tests/unit/%.c=build/unit/%)
fuzz_bin := $(fuzz:tests/fuzz/%.c=build/fuzz/%)
bench_bin := $(bench:tests/%.c=build/%)
campaign_bin := $(campaign:tests/%.c=build/%)
e2e_bin := $(e2e:tests/%.c=build/%)
boot_bin := $(boot_main:tests/%.c=build/%)

$(unit_bin): build/unit/%: build/obj/asan/tests/unit/%.o | build/obj/asan/ringcast.a build/obj/asan/lwip.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(call link_used,asan,$@,$< -lcmocka)
$(fuzz_bin): build/fuzz/%: build/obj/fuzz/tests/fuzz/%.o | build/obj/fuzz/ringcast.a build/obj/fuzz/lwip.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(call link_used,fuzz,$@,$<,-fsanitize=fuzzer)
$(bench_bin) $(e2e_bin): build/%: build/obj/host/tests/%.o | build/obj/host/ringcast.a build/obj/host/lwip.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(call link_used,host,$@,$<)
$(boot_bin): build/%: build/obj/host/tests/%.o $(boot:%.c=build/obj/host/%.o) | build/obj/host/ringcast.a build/obj/host/lwip.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(call link_used,host,$@,$(filter %.o,$^))
$(campaign_bin): build/%: build/obj/host/tests/%.o $(campaign_help:%.c=build/obj/host/%.o) | build/obj/host/ringcast.a build/obj/host/lwip.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(call link_used,host,$@,$(filter %.o,$^))
# Also with the sanitizers: where a call fails is where memory is forgotten or used too late.
build/campaign/faults-asan: $(faults:%.c=build/obj/asan/%.o) | build/obj/asan/ringcast.a build/obj/asan/lwip.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(call link_used,asan,$@,$(filter %.o,$^))
build/campaign/faults: $(faults:%.c=build/obj/host/%.o) | build/obj/host/ringcast.a build/obj/host/lwip.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(call link_used,host,$@,$(filter %.o,$^))
build/sim/ringsim: $(sim:%.c=build/obj/host/%.o) | build/obj/host/ringcast.a build/obj/host/lwip.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(call link_used,host,$@,$(sim:%.c=build/obj/host/%.o))
-include $(unit_bin:=.d) $(fuzz_bin:=.d) $(bench_bin:=.d) $(e2e_bin:=.d) $(boot_bin:=.d) $(campaign_bin:=.d) build/campaign/faults.d build/campaign/faults-asan.d build/sim/ringsim.d
-include $(unit:%.c=build/obj/asan/%.d) $(unit_help:%.c=build/obj/asan/%.d) $(fuzz:%.c=build/obj/fuzz/%.d)
-include $(boot:%.c=build/obj/host/%.d) $(boot_main:%.c=build/obj/host/%.d)
-include $(campaign:%.c=build/obj/host/%.d) $(campaign_help:%.c=build/obj/host/%.d)
-include $(faults:%.c=build/obj/asan/%.d) $(faults:%.c=build/obj/host/%.d)
-include $(bench:%.c=build/obj/host/%.d) $(e2e:%.c=build/obj/host/%.d) $(sim:%.c=build/obj/host/%.d)

unit-tests: $(unit_bin)
fuzz-targets: $(fuzz_bin)
campaign-programs: $(campaign_bin) build/campaign/faults
bench-programs: $(bench_bin) $(e2e_bin) build/ringcast
e2e-programs: $(e2e_bin) $(boot_bin) build/ringcast build/gen/www.c | $(BROWSER)/.done

check: unit-tests ## unit tests with sanitizers, under a minute; T=fec runs those whose name holds "fec"
	@tests/run check $(T)

test: ## everything a change must pass: builds, unit tests, structure, simulation, fuzzing, end to end
	@tests/run all $(T)

nightly: campaign-programs build/ringcast build/campaign/faults-asan build/tsan/ringcast ## the campaigns in their long form, and the thread sanitizer: hours
	@build/campaign/lying $(or $(CASES),100000) $$(date +%s)
	@build/campaign/kill $(or $(KILLS),5000) $$(date +%s)
	@bash tests/campaign/kill_box.sh $(or $(KILLS),5000) $$(date +%s)
	@bash tests/campaign/threads.sh
	@build/campaign/faults $(or $(FAULTS),1000000) $$(date +%s)
	@build/campaign/faults-asan $(or $(FAULTS),50000) $$(date +%s)
	@tests/mutants/run

mutants: ## each known fault is put back into a copy of the tree, and its test must fail; T=word keeps some
	@tests/mutants/run '$(T)'

sim: build/sim/ringsim ## thousands of receivers in one process; SEED=n repeats a run
	@build/sim/ringsim --table

fuzz: fuzz-targets ## fuzz every decoder for SECONDS=60 each; ROOM=packet only those of one room
	@tools/fuzz '$(ROOM)' $(or $(SECONDS),60)

bench: bench-programs image ## speed, as ratios in one run; never part of the tests
	@tests/bench/run

demo: build/ringcast build/boot/switch build/boot/door build/e2e/room_tool build/gen/www.c $(box) | $(BROWSER)/.done ## the flashable box images three machines, from power on to their login, in QEMU; then a full room's page
	@tests/boot/lab.py demo

pictures: build/ringcast build/e2e/room_tool build/gen/www.c | $(BROWSER)/.done ## the README's pictures anew: the program with a room of simulated machines
	@bash tests/e2e/room_page.sh tests/web/pictures
	$(Q)for p in tests/web/pictures/*.png; do zopflipng -y -q --filters=0 "$$p" "$$p" > build/zopflipng.log || exit; done

# --- looking after the house ----------------------------------------------------------------------------------------
size: build/ringcast ## text, data and bss of each room and of the whole; the image against its goals
	@tools/size

repro: ## build programs and image twice, in two directories, and compare
	@tools/repro

errors: build/ringcast ## every error code and its sentence
	@build/ringcast errors

bump: ## lock the third-party sources the archive holds now
	@for lock in sources boot font; do tools/fetch tools/$$lock.lock --bump; done

fmt: ## format the C sources as .clang-format says, by the version that tools/format.lock names
	@tools/format

kernel: $(KERNEL)/.done ## the kernel of kernel-config/, kept in the cache: a quarter of an hour, once

image: $(box) $(box:=.zst) $(box:=.bmap) $(box:=.sha256) ## the flashable box: build/ringcast-pc-x86_64.img (.zst, .bmap, .sha256)

run: $(box) ## the box in QEMU, serial port on this terminal; FIRMWARE=uefi, NET=SOCKET of a switch, DISK=FILE kept
	@tools/run "$(FIRMWARE)" "$(NET)" "$(DISK)"

compile_commands.json: Makefile $(product) $(unit) $(fuzz) $(sim) $(bench) $(campaign) $(campaign_help) $(e2e) $(boot) $(boot_main)
	@tools/compile-commands "$(CC_asan) $(FLAGS_asan) $(WARN_asan) $(call include_of,asan)" \
		$(product) $(unit) $(unit_help) $(fuzz) $(sim) $(bench) $(e2e) $(boot_main) > $@

clean: ## remove what was built here; the cache of third-party code stays
	@rm -rf build compile_commands.json

help: ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r t d; do \
		printf '  make %-8s %s\n' "$$t" "$$d"; done

.PHONY: nightly mutants all share unit-tests fuzz-targets campaign-programs bench-programs e2e-programs check test sim fuzz bench demo pictures size repro errors bump fmt kernel image run \
	clean help FORCE
