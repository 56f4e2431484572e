/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/out.h"
#include "wg/key.h"

static int print_key(struct cmd *c, const char *what, const uint8_t key[static WG_KEY_LEN])
{
	char text[WG_KEY_BASE64_LEN];

	wg_key_format(key, text);
	if (c->json)
		return out_json(c, json_pack("{s:s}", what, text));
	puts(text);
	return STATUS_DONE;
}

static int print_public(struct cmd *c)
{
	uint8_t private[WG_KEY_LEN], public[WG_KEY_LEN];
	char line[256];

	if (!fgets(line, sizeof(line), stdin))
		return cmd_usage(c, "pub reads a private key from its input: "
				    "`warren key gen | warren key pub`");
	line[strcspn(line, "\r\n")] = '\0';
	if (wg_key_parse(line, private) < 0)
		return cmd_usage(c, "the input is not a WireGuard key: 44 characters of base64");
	wg_key_public(private, public);
	return print_key(c, "public_key", public);
}

static int run(struct cmd *c, size_t argc, char **argv)
{
	uint8_t key[WG_KEY_LEN];

	(void)argc;
	if (!strcmp(argv[0], "pub"))
		return print_public(c);
	if (!strcmp(argv[0], "gen")) {
		wg_key_generate_private(key);
		return print_key(c, "private_key", key);
	}
	if (!strcmp(argv[0], "psk")) {
		wg_key_generate_preshared(key);
		return print_key(c, "preshared_key", key);
	}
	return cmd_usage(c, "no such thing as `key %s`: gen, pub or psk", argv[0]);
}

const struct command cmd_key = {
	.name = "key",
	.args = "gen|pub|psk",
	.summary = "make WireGuard keys",
	.details =
		"gen prints a new private key, psk a new preshared key; pub reads a private key\n"
		"from its input and prints the public one.",
	.words = "gen|pub|psk",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
