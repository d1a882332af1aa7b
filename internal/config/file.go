package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"

	"pipecat-cloud-deploy/internal/quantity"
)

const (
	maxFile     = 256 << 10 // bytes
	maxProblems = 30        // of one file that are reported
	maxKeys     = 5000      // each is compared with all others when the file is read

	ignoredTable = "docker"       // for another of the CLI's commands
	noFile       = "none"         // the config-file that reads none
	retiredKrisp = "enable_krisp" // these keys are no inputs
	gitRepo      = "git.repo"
	cpu          = "resources.cpu"
	memory       = "resources.memory"
)

// fileKey is a key of the config file.
type fileKey struct {
	name string // whose value it is: an input's, or the key's own where it is none
	kind Kind
	now  string // the name that the key has now; "" where it is that one
}

// fileKeys are all keys of a config file that are known: those of the platform's
// CLI, and those that it took once.
func fileKeys() map[string]fileKey {
	keys := map[string]fileKey{
		retiredKrisp: {retiredKrisp, boolean, ""},
		cpu:          {cpu, amount, ""},
		memory:       {memory, amount, ""},
		gitRepo:      {gitRepo, text, ""},
	}
	for _, part := range []string{"branch", "dockerfile_path", "subdirectory"} {
		keys["git."+part] = fileKey{"git." + part, text, ""}
	}
	for _, in := range Table() {
		if in.Key != "" {
			keys[in.Key] = fileKey{in.Name, in.Kind, ""}
		}
		if in.OldKey != "" {
			keys[in.OldKey] = fileKey{in.Name, in.Kind, in.Key}
		}
	}
	return keys
}

// file is what a config file says.
type file struct {
	name     string // as people know it: in the workspace; "" where none was read
	values   map[string]value
	problems Problems
	more     int // wrong keys after the first ones
	warnings []Problem
}

// readFile reads the config file that is asked for, or the default one where none
// is, from a folder of the workspace.
func readFile(asked, workspace, dir string) file {
	name := cmp.Or(asked, defaultFile)
	shown := name
	if name == noFile {
		return file{}
	}
	if !filepath.IsAbs(name) {
		shown = filepath.ToSlash(filepath.Join(dir, name))
		name = filepath.Join(workspace, dir, name)
	}
	data, err := readRegular(name, maxFile)
	if errors.Is(err, fs.ErrNotExist) && asked == "" {
		return file{}
	}
	if errors.Is(err, fs.ErrNotExist) {
		where, _ := elsewhere(workspace, dir)
		return file{problems: Problems{{Input: "config-file", Text: fmt.Sprintf("there is no %s%s", quote(shown), where)}}}
	}
	if err != nil {
		if cause := (*fs.PathError)(nil); errors.As(err, &cause) {
			err = cause.Err
		}
		return file{problems: Problems{{Input: "config-file", Text: fmt.Sprintf("%s cannot be read: %v; name a file that can", quote(shown), err)}}}
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
func parseFile(name string, data []byte) file {
	f := file{name: name, values: map[string]value{}}
	known, old := fileKeys(), map[string]bool{}
	inTables := tables(known)
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		f.problems = Problems{{File: name, Text: "it is not text in UTF-8, as a config file must be; an editor can save it as that"}}
		return f
	}
	lines, keys := keyLines(data)
	if keys > maxKeys {
		f.tooManyKeys(keys, lines, known, inTables)
		return f.cut()
	}
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		f.problems = Problems{syntax(name, data, err)}
		return f
	}
	for _, l := range leaves(tree, "", inTables, lines) {
		at := Problem{Input: l.key, File: name, Line: l.line}
		key, ok := known[l.key]
		if inTables[l.key] {
			f.wrong(at, "it must be a table", func() string { return "" })
			continue
		}
		if !ok {
			f.wrong(at, "this key is not known", func() string { return didYouMeanKey(l.key, known) })
			continue
		}
		text, ok := key.kind.fromTOML(l.value)
		if !ok {
			f.wrong(at, "its value must be "+key.kind.inTOML(), func() string { return key.kind.unquoted(l.value) })
			continue
		}
		if l.value == "" && key.name == "image" { // without one it would be built
			f.wrong(at, "it is empty; name an image, or remove the line to build one", func() string { return "" })
			continue
		}
		if l.value == "" && key.kind != amount {
			continue // not set, like an empty input
		}
		if key.now != "" {
			f.warnings = append(f.warnings, at.With("it is the old name of %s, which the platform's CLI no longer reads; write that", key.now))
		}
		if _, ok := f.values[key.name]; !ok || old[key.name] {
			f.values[key.name], old[key.name] = value{text, at}, key.now != ""
		}
	}
	return f.cut()
}

// cut says how many more problems there are than the first ones.
func (f file) cut() file {
	if f.more > 0 {
		f.problems = append(f.problems, Problem{File: f.name, Text: quantity.Count(f.more, "more wrong key")})
	}
	return f
}

// tooManyKeys are the problems of a file whose values are not read, because their
// number makes that slow: the keys that are not known, or else that number.
func (f *file) tooManyKeys(keys int, lines map[string]int, known map[string]fileKey, tables map[string]bool) {
	var wrong []leaf
	for key, line := range lines {
		table := key[:max(0, strings.LastIndexByte(key, '.'))]
		_, isKnown := known[key]
		if !isKnown && !tables[key] && key != ignoredTable && (table == "" || tables[table]) {
			wrong = append(wrong, leaf{key: key, line: line})
		}
		if len(wrong) > 2*maxProblems { // of which only the first are shown
			slices.SortFunc(wrong, byLine)
			f.more += len(wrong) - maxProblems
			wrong = wrong[:maxProblems]
		}
	}
	if wrong == nil {
		f.problems = Problems{{File: f.name, Text: fmt.Sprintf("it has %d keys, and may have %d at most; remove what the deployment does not need", keys, maxKeys)}}
	}
	slices.SortFunc(wrong, byLine)
	for _, l := range wrong {
		f.wrong(Problem{Input: l.key, File: f.name, Line: l.line}, "this key is not known", func() string { return didYouMeanKey(l.key, known) })
	}
}

// wrong adds a problem and what may be done about it, or counts it where it is not one
// of the first.
func (f *file) wrong(at Problem, text string, hint func() string) {
	if len(f.problems) == maxProblems {
		f.more++
		return
	}
	at.Text = text + hint()
	f.problems = append(f.problems, at)
}

// unquotedText is a line of a file whose value is a text without quotes.
var unquotedText = regexp.MustCompile(`^\s*[\w.-]+\s*=\s*[A-Za-z]`)

// syntax says where a file is not TOML.
func syntax(name string, data []byte, err error) Problem {
	p := Problem{File: name, Text: "it is not TOML: " + strings.TrimPrefix(err.Error(), "toml: ")}
	at := (*toml.DecodeError)(nil)
	if !errors.As(err, &at) {
		return p
	}
	p.Line, _ = at.Position()
	lines := bytes.SplitN(data, []byte("\n"), p.Line+1)
	if p.Line > 0 && p.Line <= len(lines) && unquotedText.Match(lines[p.Line-1]) {
		p.Text += "; put the value in quotes"
	}
	return p
}

// leaf is a key with its value: not a table, or one that is not known.
type leaf struct {
	key   string
	value any
	line  int
}

// tables are the names of the tables that known keys are in.
func tables(known map[string]fileKey) map[string]bool {
	all := map[string]bool{}
	for key := range known {
		for i := range key {
			if key[i] == '.' {
				all[key[:i]] = true
			}
		}
	}
	return all
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

// fromTOML writes a value of the config file as an input would have it.
func (k Kind) fromTOML(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, k == text || k == amount
	case int64:
		return strconv.FormatInt(v, 10), k == number || k == duration || k == amount
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), k == amount
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

// unquoted says how a value that was written as a text is written right; "" where
// that would not help.
func (k Kind) unquoted(v any) string {
	s, _ := v.(string)
	_, err := strconv.ParseInt(s, 10, 64)
	if (k == number || k == duration) && err == nil || k == boolean && (s == "true" || s == "false") {
		return ": remove the quotes"
	}
	return ""
}

func (k Kind) inTOML() string {
	switch k {
	case amount:
		return "a quantity such as 2, \"500m\" or \"4Gi\""
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
