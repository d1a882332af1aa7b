package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

const (
	maxFile         = 256 << 10 // bytes
	maxFileProblems = 30        // that are reported one by one
	maxKeys         = 5000      // each is compared with all others when the file is read
	retiredKrisp    = "enable_krisp"
	ignoredTable    = "docker" // for another of the CLI's commands
)

// fileKey is a key of the config file: an input's, or one that the platform's
// CLI reads and this action does not.
type fileKey struct {
	name string // whose value it is
	kind Kind
}

func fileKeys() map[string]fileKey {
	keys := map[string]fileKey{
		retiredKrisp: {retiredKrisp, boolean},
	}
	for _, in := range Table() {
		if in.Key != "" {
			keys[in.Key] = fileKey{in.Name, in.Kind}
		}
		if in.OldKey != "" {
			keys[in.OldKey] = fileKey{in.Name, in.Kind}
		}
	}
	return keys
}

// readFile reads the config file called name, or the default one when name is
// empty, as the platform's CLI does. Values come by their input's name.
func readFile(name, workspace string) (map[string]value, Problems) {
	shown := name
	if name == "" {
		shown = defaultFile
	}
	path := shown
	if !filepath.IsAbs(path) {
		path = filepath.Join(workspace, path)
	}
	data, err := readRegular(path, maxFile)
	if errors.Is(err, fs.ErrNotExist) && name == "" {
		return nil, nil
	}
	if err != nil {
		if cause := (*fs.PathError)(nil); errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, Problems{{Input: "config-file", Text: fmt.Sprintf("%s cannot be read: %v; name a file that can", quote(shown), err)}}
	}
	return parseFile(shown, data)
}

// readRegular reads a file of limited size. Others, such as pipes, may never
// end.
func readRegular(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("it is larger than %d KiB", most>>10)
	}
	return data, err
}

// parseFile reads the text of a config file called name.
func parseFile(name string, data []byte) (map[string]value, Problems) {
	known := fileKeys()
	tables := tablesOf(known)
	lines, keys := keyLines(data)
	if keys > maxKeys {
		return nil, tooManyKeys(name, keys, lines, known, tables)
	}
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		p := Problem{File: name, Text: "it is not TOML: " + strings.TrimPrefix(err.Error(), "toml: ")}
		if at := (*toml.DecodeError)(nil); errors.As(err, &at) {
			p.Line, _ = at.Position()
		}
		return nil, Problems{p}
	}
	values := map[string]value{}
	var wrong []leaf
	for _, l := range leaves(tree, "", tables, lines) {
		key, ok := known[l.key]
		var text string
		if ok {
			text, ok = key.kind.fromTOML(l.value)
		}
		if !ok {
			wrong = append(wrong, l)
		} else if _, ok := values[key.name]; !ok {
			values[key.name] = value{text, Problem{Input: l.key, File: name, Line: l.line}}
		}
	}
	return values, wrongKeys(name, wrong, known, tables)
}

// tooManyKeys are the problems of a file whose values are not read, because their
// number makes that slow: the keys that are not known, or else that number.
func tooManyKeys(name string, keys int, lines map[string]int, known map[string]fileKey, tables map[string]bool) Problems {
	var wrong []leaf
	for key, line := range lines {
		table := key[:max(0, strings.LastIndexByte(key, '.'))]
		_, isKnown := known[key]
		if !isKnown && !tables[key] && key != ignoredTable && (table == "" || tables[table]) {
			wrong = append(wrong, leaf{key: key, line: line})
		}
	}
	if wrong == nil {
		return Problems{{File: name, Text: fmt.Sprintf("it has %d keys, and may have %d at most; remove what the deployment does not need", keys, maxKeys)}}
	}
	slices.SortFunc(wrong, byLine)
	return wrongKeys(name, wrong, known, tables)
}

// wrongKeys reports keys that are wrong: the first one by one, and how many more.
func wrongKeys(name string, wrong []leaf, known map[string]fileKey, tables map[string]bool) (problems Problems) {
	for i, l := range wrong {
		if i == maxFileProblems {
			return append(problems, Problem{File: name, Text: othersWrong(len(wrong) - i)})
		}
		problems = append(problems, Problem{Input: l.key, File: name, Line: l.line, Text: whyWrong(l.key, known, tables)})
	}
	return problems
}

// whyWrong says what is wrong with a key: its value, or that it is there.
func whyWrong(key string, known map[string]fileKey, tables map[string]bool) string {
	k, ok := known[key]
	switch {
	case ok:
		return "its value must be " + k.kind.inTOML()
	case tables[key]:
		return "it must be a table"
	}
	return "this key is not known" + suggestion(key, known)
}

func othersWrong(n int) string {
	if n == 1 {
		return "1 other key is wrong, too"
	}
	return fmt.Sprintf("%d other keys are wrong, too", n)
}

// tablesOf are the tables that known keys are in.
func tablesOf(known map[string]fileKey) map[string]bool {
	tables := map[string]bool{}
	for key := range known {
		for i, c := range key {
			if c == '.' {
				tables[key[:i]] = true
			}
		}
	}
	return tables
}

// leaf is a key with its value: not a table, or one that is not known.
type leaf struct {
	key   string
	value any
	line  int
}

// leaves lists what a table holds, in the order of the file's lines.
func leaves(table map[string]any, prefix string, tables map[string]bool, lines map[string]int) (all []leaf) {
	for name, v := range table {
		key := prefix + name
		inner, isTable := v.(map[string]any)
		switch {
		case key == ignoredTable:
		case isTable && tables[key]:
			all = append(all, leaves(inner, key+".", tables, lines)...)
		default:
			all = append(all, leaf{key, v, lines[key]})
		}
	}
	slices.SortFunc(all, byLine)
	return all
}

func byLine(a, b leaf) int {
	return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.key, b.key))
}

// suggestion finds a known key that differs in its table or its dashes only.
func suggestion(key string, known map[string]fileKey) string {
	bare := strings.ToLower(strings.ReplaceAll(key[strings.LastIndexByte(key, '.')+1:], "-", "_"))
	for _, near := range slices.Sorted(maps.Keys(known)) {
		if near == bare || strings.HasSuffix(near, "."+bare) {
			return "; did you mean " + near + "?"
		}
	}
	return ""
}

// fromTOML writes a value of the config file as an input would have it.
func (k Kind) fromTOML(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, k == text
	case int64:
		return strconv.FormatInt(v, 10), k == number || k == duration
	case bool:
		return strconv.FormatBool(v), k == boolean
	case []any:
		var lines []string
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return "", false
			}
			lines = append(lines, s)
		}
		return strings.Join(lines, "\n"), k == list
	}
	return "", false
}

func (k Kind) inTOML() string {
	switch k {
	case number:
		return "a whole number"
	case duration:
		return "a whole number of seconds"
	case boolean:
		return "true or false"
	case list:
		return "a list of texts"
	}
	return "a text in quotes"
}
