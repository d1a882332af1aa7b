package inputs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

const (
	maxFile      = 1 << 20
	retiredKrisp = "enable_krisp"
	buildTable   = "build"
)

// sections are the tables of a config file, without their keys: read strictly
// into it, every key is one too many, and so is told with its line.
type sections struct {
	Scaling   struct{} `toml:"scaling"`
	KrispViva struct{} `toml:"krisp_viva"`
	Build     struct {
		Exclude struct{} `toml:"exclude"`
	} `toml:"build"`
}

// fileKey is a key of the config file: an input's, or one that the platform's
// CLI reads and this action does not.
type fileKey struct {
	name string // whose value it is
	kind Kind
}

func fileKeys() map[string]fileKey {
	keys := map[string]fileKey{
		retiredKrisp:             {retiredKrisp, boolean},
		"build.context_dir":      {buildTable, text},
		"build.dockerfile":       {buildTable, text},
		"build.exclude.patterns": {buildTable, list},
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
	data, err := readAtMost(path, maxFile)
	if errors.Is(err, fs.ErrNotExist) && name == "" {
		return nil, nil
	}
	if err != nil {
		if cause := (*fs.PathError)(nil); errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, Problems{{Input: "config-file", Text: fmt.Sprintf("%s cannot be read: %v; correct its name, or remove the input", quote(shown), err)}}
	}
	return parseFile(shown, data)
}

func readAtMost(path string, most int64) ([]byte, error) {
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
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		p := Problem{File: name, Text: "it is not TOML: " + strings.TrimPrefix(err.Error(), "toml: ")}
		if at := (*toml.DecodeError)(nil); errors.As(err, &at) {
			p.Line, _ = at.Position()
		}
		return nil, Problems{p}
	}
	err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(new(sections))
	var keys *toml.StrictMissingError
	var misplaced *toml.DecodeError
	switch {
	case errors.As(err, &keys): // as it should be
	case errors.As(err, &misplaced):
		line, _ := misplaced.Position()
		return nil, Problems{{Input: strings.Join(misplaced.Key(), "."), File: name, Line: line, Text: "it must be a table"}}
	default:
		return nil, nil // nothing is in it
	}

	var (
		known    = fileKeys()
		values   = map[string]value{}
		problems Problems
	)
	for _, found := range keys.Errors {
		path := found.Key()
		if path[0] == "docker" { // for another of the CLI's commands
			continue
		}
		line, _ := found.Position()
		at := Problem{Input: strings.Join(path, "."), File: name, Line: line}
		key, ok := known[at.Input]
		if !ok {
			at.Text = "this key is not known" + suggestion(path, known)
			problems = append(problems, at)
			continue
		}
		text, ok := key.kind.fromTOML(lookUp(tree, path))
		if !ok {
			at.Text = "its value must be " + key.kind.inTOML()
			problems = append(problems, at)
			continue
		}
		values[key.name] = value{text, at}
	}
	return values, problems
}

func lookUp(tree map[string]any, path []string) any {
	var v any = tree
	for _, key := range path {
		table, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = table[key]
	}
	return v
}

// suggestion finds a known key that differs in its table or its dashes only.
func suggestion(path []string, known map[string]fileKey) string {
	bare := strings.ToLower(strings.ReplaceAll(path[len(path)-1], "-", "_"))
	for key := range known {
		if key == bare || strings.HasSuffix(key, "."+bare) {
			return "; did you mean " + key + "?"
		}
	}
	return ""
}

// list is a kind that the config file has and no input.
const list Kind = "list"

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
		for _, item := range v {
			if _, ok := item.(string); !ok {
				return "", false
			}
		}
		return "", k == list
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
