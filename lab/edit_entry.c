/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/edit_entry.h"

#include <string.h>

#include "lab/print_text.h"

/* where we are in what is being written */
struct pen {
	FILE *out;
	const struct style *s;
	size_t column;
	bool dash;  /* lines: the next one begins a list item */
	bool first; /* braces: no comma yet */
};

static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "./+=_-";

static void word(struct pen *p, const char *s)
{
	struct printer pr = {.out = p->out};

	/* print_scalar() puts quotes around everything else */
	if (p->s->quoted && !s[strspn(s, plain)])
		fprintf(p->out, "\"%s\"", s);
	else
		print_scalar(&pr, s, TEXT_PLAIN);
}

/* a number, a key or an address: a few characters of it could mean something to YAML */
static void bare(struct pen *p, const char *s)
{
	bool number = *s && !s[strspn(s, "0123456789")];

	if (number || (*s && !p->s->quoted && !s[strspn(s, plain)]))
		fputs(s, p->out);
	else
		word(p, s);
}

static void end_line(struct pen *p)
{
	if (!p->s->flow)
		fwrite(p->s->eol.s, 1, p->s->eol.len, p->out);
}

/* "KEY:", in lines at the beginning of one */
static void key(struct pen *p, const char *name)
{
	if (p->s->flow) {
		fputs(p->first ? "" : ", ", p->out);
		p->first = false;
	} else {
		size_t n = p->column - (p->dash ? 2 : 0);

		fprintf(p->out, "%*s%s", (int)n, "", p->dash ? "- " : "");
		p->dash = false;
	}
	word(p, name);
	fputc(':', p->out);
}

/* a mapping follows that has something in it */
static void open_map(struct pen *p)
{
	if (p->s->flow)
		fputs(" {", p->out);
	else
		end_line(p);
	p->first = true;
	p->column += p->s->step;
}

static void close_map(struct pen *p)
{
	if (p->s->flow)
		fputc('}', p->out);
	p->first = false;
	p->column -= p->s->step;
}

static void pair(struct pen *p, const char *name, const char *value,
		 void (*print)(struct pen *p, const char *s))
{
	if (!value)
		return;
	key(p, name);
	fputc(' ', p->out);
	print(p, value);
	end_line(p);
}

static void list(struct pen *p, const char *name, const struct edit_strings *v)
{
	if (!v->n)
		return;
	key(p, name);
	for (size_t i = 0; i < v->n; i++) {
		fputs(i ? ", " : " [", p->out);
		bare(p, v->v[i]);
	}
	fputc(']', p->out);
	end_line(p);
}

static void peers(struct pen *p, const struct edit_tenant *t)
{
	if (!t->peer.public_key)
		return;
	key(p, "peers");
	if (p->s->flow) {
		fputs(" [{", p->out);
	} else {
		end_line(p);
		p->column += p->s->step + 2;
		p->dash = true;
	}
	p->first = true;
	pair(p, "public_key", t->peer.public_key, bare);
	pair(p, "name", t->peer.name, word);
	pair(p, "preshared_key_file", t->peer.preshared_key_file, word);
	pair(p, "endpoint", t->peer.endpoint, bare);
	list(p, "allowed_ips", &t->peer.allowed_ips);
	pair(p, "persistent_keepalive", t->peer.keepalive, bare);
	if (p->s->flow)
		fputs("}]", p->out);
	else
		p->column -= p->s->step + 2;
	p->first = false;
}

static void labels(struct pen *p, const struct edit_tenant *t)
{
	if (!t->label_keys.n)
		return;
	key(p, "labels");
	open_map(p);
	for (size_t i = 0; i < t->label_keys.n; i++)
		pair(p, t->label_keys.v[i], t->label_values.v[i], word);
	close_map(p);
}

static bool says_nothing(const struct edit_tenant *t)
{
	return !t->private_key && !t->private_key_file && !t->listen_port && !t->napt_addresses.n &&
	       !t->dns.n && !t->label_keys.n && !t->peer.public_key;
}

static void tenant(struct pen *p, const struct edit_tenant *t)
{
	key(p, t->name);
	if (says_nothing(t)) {
		fputs(" {}", p->out);
		end_line(p);
		return;
	}
	open_map(p);
	pair(p, "private_key", t->private_key, bare);
	pair(p, "private_key_file", t->private_key_file, word);
	pair(p, "listen_port", t->listen_port, bare);
	list(p, "napt_addresses", &t->napt_addresses);
	peers(p, t);
	list(p, "dns", &t->dns);
	labels(p, t);
	close_map(p);
}

void entry_tenant(FILE *out, const struct style *s, const void *arg)
{
	struct pen p = {.out = out, .s = s, .column = s->column, .first = true};

	tenant(&p, arg);
}

void entry_tenants(FILE *out, const struct style *s, const void *arg)
{
	struct pen p = {.out = out, .s = s, .column = s->column, .first = true};

	key(&p, "tenants");
	open_map(&p);
	tenant(&p, arg);
	close_map(&p);
}

void entry_field(FILE *out, const struct style *s, const void *arg)
{
	struct pen p = {.out = out, .s = s, .column = s->column, .first = true};
	const struct entry_field *f = arg;

	pair(&p, f->key, f->value, f->is_key ? bare : word);
}
