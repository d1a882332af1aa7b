package dockerfile

import (
	"slices"
	"strconv"
	"strings"
)

// mount is one of RUN.
type mount struct {
	typ, from, source string   // as written
	values            []string // of all its keys
}

// mountKeys are the keys of mounts, each with the types that have it; for nil, all.
var mountKeys = map[string][]string{
	"type": nil, "from": nil, "source": nil, "src": nil, "target": nil, "dst": nil, "destination": nil, "readonly": nil, "ro": nil, "readwrite": nil, "rw": nil, "id": nil, "env": nil,
	"required": {"secret", "ssh"}, "size": {"tmpfs"}, "sharing": {"cache"},
	"mode": {"secret", "ssh", "cache"}, "uid": {"secret", "ssh", "cache"}, "gid": {"secret", "ssh", "cache"},
}

// secretKeys are those of which a secret needs one.
var secretKeys = []string{"id", "source", "src", "target", "dst", "destination"}

var mountTypes = []string{"bind", "cache", "tmpfs", "secret", "ssh"}

// mount reads the value of the flag.
func (p *parser) mount(text string) mount {
	m := mount{typ: "bind"}
	var keys []string
	isNamed := false
	for field := range strings.SplitSeq(text, ",") {
		key, value, hasValue := strings.Cut(field, "=")
		switch key = strings.ToLower(key); key {
		case "type":
			m.typ = strings.ToLower(value)
		case "from":
			m.from = value
			p.bad = p.bad || strings.Contains(value, "$")
		case "source", "src":
			m.source = value
		}
		_, known := mountKeys[key]
		bare := key == "ro" || key == "rw" || key == "readonly" || key == "readwrite" || key == "required"
		_, err := strconv.ParseBool(value)
		p.bad = p.bad || !known || !hasValue && !bare || hasValue && bare && err != nil && !strings.Contains(value, "$")
		if value != "" && slices.Contains(secretKeys, key) {
			isNamed = true
		}
		keys, m.values = append(keys, key), append(m.values, value)
	}
	if strings.Contains(m.typ, "$") {
		return m
	}
	p.bad = p.bad || !slices.Contains(mountTypes, m.typ) || m.typ == "secret" && (m.from != "" || !isNamed)
	for _, key := range keys {
		p.bad = p.bad || mountKeys[key] != nil && !slices.Contains(mountKeys[key], m.typ)
	}
	return m
}
