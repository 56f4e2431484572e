#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Vagrantfile: is it valid, for which machines, and what does it refuse?  No machine is
# started.
. "$(dirname "$(realpath "$0")")/../lib.sh"
need vagrant jq

# a tree, a home and a cache of its own: vagrant writes into all three
tree=$tmp/tree
mkdir -p "$tree" "$tmp/home" "$tmp/vagrant"
cp -r "$top/Vagrantfile" "$top/topologies" "$tree/"
export HOME=$tmp/home VAGRANT_HOME=$tmp/vagrant VAGRANT_CHECKPOINT_DISABLE=1
cd "$tree" || exit 1

# with a provider where there is one, so that its own settings are checked as well
provider=--ignore-provider
if vagrant plugin list 2>/dev/null | grep -q '^vagrant-libvirt '; then
	export VAGRANT_DEFAULT_PROVIDER=libvirt
	provider=
fi
echo "# provider settings: ${provider:-checked, libvirt}"

# vagrant_with TOPOLOGY ARG...
vagrant_with() {
	local file=$1
	shift
	WARREN_TOPOLOGY=topologies/$file vagrant "$@"
}

for file in niransix.yaml double-nat.yaml overlap.yaml branches; do
	# shellcheck disable=SC2086 # no provider option, or one
	ok "valid: $file" vagrant_with $file validate $provider
done

# what the Vagrantfile makes of a file, asked from Ruby with a recorder in Vagrant's place
recorder=$tmp/recorder.rb
cat >"$recorder" <<'RUBY'
require "json"
class Recorder # takes any setting; notes machines and their networks
  def initialize(out, name = nil) = (@out, @name = out, name)
  def network(kind, **o) = @out[@name] << o.transform_keys(&:to_s)
  def provision(kind, **o) = (@args = o[:args]; (@out["#{@name} args"] = @args if @args))
  def define(name) = (@out[name] = []; yield Recorder.new(@out, name))
  def provider(_) = yield(Recorder.new({}))
  def vm = self
  def method_missing(*) = nil
  def respond_to_missing?(*) = true
end
module Vagrant
  def self.configure(_)
    out = {}
    yield Recorder.new(out)
    puts JSON.generate(out)
  end
end
load ARGV[0]
RUBY
made() { WARREN_TOPOLOGY=topologies/$1 ruby "$recorder" "$tree/Vagrantfile"; }
if command -v ruby >/dev/null; then
	out=$(made niransix.yaml)
	is "niransix: three machines" "$(jq -r 'keys[] | select(endswith("args") | not)' <<<"$out" | tr '\n' ' ')" \
		"vpn-center vpn-client00 vpn-client01 "
	is "niransix: all on one segment" \
		"$(jq -r '[.[] | .[] | objects | .virtualbox__intnet] | unique | join(" ")' <<<"$out")" "warren-niransix-internet"
	is "niransix: no hardware address twice" \
		"$(jq -r '[.[] | .[] | objects | .mac] | unique | length' <<<"$out")" 3
	mac=$(jq -r '."vpn-center"[0].mac' <<<"$out" | sed 's/../&:/g; s/:$//')
	is "niransix: the machine is told its name, file, lab and interface" \
		"$(jq -r '."vpn-center args" | join(" ")' <<<"$out")" \
		"vpn-center /vagrant/topologies/niransix.yaml niransix - $mac=enp0s8"
	out=$(made double-nat.yaml)
	is "double-nat: the carrier is on two segments" \
		"$(jq -r '.carrier | map(.libvirt__network_name) | join(" ")' <<<"$out")" \
		"warren-double-nat-access warren-double-nat-internet"
	is "overlap: ten customers from one range" \
		"$(made overlap.yaml | jq -r '[keys[] | select(test("^customer0[0-9]$"))] | length')" 10

	out=$(made branches)
	is "branches, a folder: the machines of its topology.yaml" \
		"$(jq -r 'keys[] | select(endswith("args") | not)' <<<"$out" | tr '\n' ' ')" \
		"office till-berlin till-lyon till-porto "
	is "branches: the machine is told the folder" "$(jq -r '."office args"[1:4] | join(" ")' <<<"$out")" \
		"/vagrant/topologies/branches branches -"

	# an interface without a name must not be taken for the machine's own eth0
	cat >topologies/unnamed.yaml <<-'YAML'
		name: unnamed
		networks: {a: {prefixes: [203.0.113.0/24]}, b: {prefixes: [192.0.2.0/24]}}
		hosts:
		  one: {networks: {a: [203.0.113.1/24], b: {addresses: [192.0.2.1/24], interface: enp0s9}}}
		  "two{1..2}": {networks: {b: ["192.0.2.{1+n}/24"]}}
	YAML
	out=$(made unnamed.yaml)
	like "an interface without a name gets one" "$(jq -r '."one args" | join(" ")' <<<"$out")" \
		'/unnamed\.yaml\.filled-in .*=lab0 .*=enp0s9$'
	jq -r '."one args"[3]' <<<"$out" | base64 -d >"$tmp/filled-in.yaml"
	ok "and the file with it is valid" warren validate "$tmp/filled-in.yaml"
	like "and has it" "$(cat "$tmp/filled-in.yaml")" 'interface: lab0$'
fi

fails "a thousand machines are refused" vagrant_with concentrator.yaml validate $provider
like "and it says why" "$(cat "$tmp/.out")" '1000 machines are too many'
mkdir topologies/empty
fails "a folder without topology.yaml is refused" vagrant_with empty validate $provider
like "and it is named" "$(cat "$tmp/.out")" 'topologies/empty: no such file'
fails "a file that is not there is refused" vagrant_with none.yaml validate $provider
like "and it is named" "$(cat "$tmp/.out")" 'topologies/none\.yaml: no such file'
printf 'name: [broken\n' >topologies/broken.yaml
fails "a broken file is refused" vagrant_with broken.yaml validate $provider
like "and it is named" "$(cat "$tmp/.out")" 'topologies/broken\.yaml: '
unlike "without a trace of Ruby" "$(cat "$tmp/.out")" 'Traceback|\.rb:'
