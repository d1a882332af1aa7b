package config

import (
	"bytes"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// maxKeyParts is how many parts a key has whose line is looked for: as many as the
// longest that is known, such as build.exclude.patterns.
const maxKeyParts = 3

// keyLines is the line on which each key of a TOML document, and each table, stands
// first, and how many names of keys are in it. Of a document that cannot be decoded it
// is what comes before the error.
func keyLines(data []byte) (lines map[string]int, keys int) {
	k := keyLiner{data: data, line: 1, lines: map[string]int{}}
	k.parser.Reset(data)
	var table []string
	for k.parser.NextExpression() {
		e := k.parser.Expression()
		keys += countKeys(e)
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = k.key(nil, e.Key())
		case unstable.KeyValue:
			k.keyValue(table, e)
		}
	}
	return k.lines, keys
}

func countKeys(n *unstable.Node) (keys int) {
	for in := n.Children(); in.Next(); {
		if in.Node().Kind == unstable.Key {
			keys++
		}
		keys += countKeys(in.Node())
	}
	return keys
}

type keyLiner struct {
	parser unstable.Parser
	data   []byte
	at     int // of data, up to which lines are counted
	line   int
	lines  map[string]int
}

func (k *keyLiner) keyValue(table []string, e *unstable.Node) {
	name := k.key(table, e.Key())
	if len(name) == maxKeyParts || e.Value().Kind != unstable.InlineTable {
		return
	}
	for in := e.Value().Children(); in.Next(); {
		k.keyValue(name, in.Node())
	}
}

// key notes the line of a key that is in a table, and of the tables that its first
// parts name. It returns as many parts as can matter.
func (k *keyLiner) key(table []string, parts unstable.Iterator) []string {
	name := table[:len(table):len(table)]
	for len(name) < maxKeyParts && parts.Next() {
		part := parts.Node()
		name = append(name, string(part.Data))
		path := strings.Join(name, ".")
		if k.lines[path] == 0 {
			k.lines[path] = k.lineAt(int(part.Raw.Offset))
		}
	}
	return name
}

// lineAt is the line of an offset that is not before those of earlier calls.
func (k *keyLiner) lineAt(offset int) int {
	k.line += bytes.Count(k.data[k.at:offset], []byte("\n"))
	k.at = offset
	return k.line
}
