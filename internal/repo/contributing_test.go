package repo

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/format"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// example is a worked example of CONTRIBUTING.md: a section whose name begins with
// "Add". The notation is in that page's section "The examples".
type example struct {
	name  string
	edits []edit
	runs  []command // with all edits
	fails []command // without the last edit
	ends  []edit    // what files end with after the runs
}

// edit puts a text into a file of the repository.
type edit struct {
	file   string
	place  string // after, before or in place of the anchor's line; "" makes a new file
	anchor string
	text   string
}

// command is a go test command, and a text that its output has when it fails.
type command struct{ line, output string }

var (
	leadEdit = regexp.MustCompile("In (?:\\[([^]]+)\\]\\([^)]*\\)|`([^`]+)`), (after|before|in place of) the line with `([^`]+)`:$")
	leadNew  = regexp.MustCompile("[Aa] new file `([^`]+)`:$")
	leadEnds = regexp.MustCompile("`([^`]+)` ends with:$")
	mustPass = regexp.MustCompile("[Rr]un `(go test [^`]+)`")
	mustFail = regexp.MustCompile("Without it, `(go test [^`]+)` fails with `([^`]+)`")
)

var each = flag.Bool("each", false, "run the commands of each example of CONTRIBUTING.md, with no edits but its own")

// TestContributing holds that the worked examples of CONTRIBUTING.md work: with all
// their edits, the program and its tests compile and are vetted, and main.go still has
// no more lines than it may. With -each, for which
// a minute of linking goes by,
//
//	go test ./internal/repo -run TestContributing -args -each
//
// it also plays each by itself: with its edits, the tests pass that it names; without
// the last edit, those fail that it says do.
func TestContributing(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles changed programs")
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Parallel()
	all := examples(t, read(t, "CONTRIBUTING.md"))
	if len(all) < 5 {
		t.Errorf("only %d examples", len(all))
	}
	together := newCheckout(t, root)
	for _, e := range all {
		if len(e.edits) == 0 || len(e.runs) == 0 {
			t.Fatalf("%s: %d edits and %d commands", e.name, len(e.edits), len(e.runs))
		}
		for _, edit := range e.edits {
			together.apply(t, edit)
		}
	}
	together.vet(t)
	if n := strings.Count(read(t, filepath.Join(together.dir, "main.go")), "\n"); n > mainLines {
		t.Errorf("main.go has %d lines with the edits of all examples; the story fits in %d", n, mainLines)
	}
	if !*each {
		return
	}
	for _, e := range all {
		t.Run(e.name, func(t *testing.T) { e.play(t, newCheckout(t, root)) })
	}
}

// play makes the example in a copy of the repository, and runs its commands.
func (e example) play(t *testing.T, c *checkout) {
	last := len(e.edits) - 1
	for _, edit := range e.edits[:last] {
		c.apply(t, edit)
	}
	for _, command := range e.fails {
		if out, err := c.run(t, command.line); err == nil || !strings.Contains(out, command.output) {
			t.Errorf("%s without the last edit: %v, want %q in\n%s", command.line, err, command.output, out)
		}
	}
	c.apply(t, e.edits[last])
	for _, command := range e.runs {
		if out, err := c.run(t, command.line); err != nil {
			t.Errorf("%s: %v\n%s", command.line, err, out)
		}
	}
	for _, end := range e.ends {
		if got := read(t, filepath.Join(c.dir, end.file)); !strings.HasSuffix(got, end.text) {
			t.Errorf("%s does not end with\n%s\nbut is\n%s", end.file, end.text, got)
		}
	}
}

// examples reads the worked examples of a page.
func examples(t *testing.T, page string) (all []example) {
	t.Helper()
	for _, section := range strings.Split(page, "\n## ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		if !strings.HasPrefix(name, "Add ") {
			continue
		}
		e := example{name: name}
		var prose string      // since the last block
		var block []string    // lines of the open block
		indent, open := 0, "" // of the open block, and its fence
		for line := range strings.Lines(text) {
			bare := strings.TrimLeft(line, " ")
			switch {
			case open != "" && strings.TrimSpace(line) == open:
				if err := e.block(strings.Join(strings.Fields(prose), " "), strings.Join(block, "")); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				prose, block, open = "", nil, ""
			case open != "":
				block = append(block, strings.TrimPrefix(line, strings.Repeat(" ", min(indent, len(line)-len(bare)))))
			case strings.HasPrefix(bare, "```"):
				indent, open = len(line)-len(bare), "```"
			default:
				prose += line
			}
		}
		text = strings.Join(strings.Fields(text), " ")
		for _, m := range mustPass.FindAllStringSubmatch(text, -1) {
			e.runs = append(e.runs, command{line: m[1]})
		}
		for _, m := range mustFail.FindAllStringSubmatch(text, -1) {
			e.fails = append(e.fails, command{m[1], m[2]})
		}
		all = append(all, e)
	}
	return all
}

// block takes a fenced block, given what stands before it.
func (e *example) block(lead, text string) error {
	if m := leadEdit.FindStringSubmatch(lead); m != nil {
		e.edits = append(e.edits, edit{file: m[1] + m[2], place: m[3], anchor: m[4], text: text})
	} else if m := leadNew.FindStringSubmatch(lead); m != nil {
		e.edits = append(e.edits, edit{file: m[1], text: text})
	} else if m := leadEnds.FindStringSubmatch(lead); m != nil {
		e.ends = append(e.ends, edit{file: m[1], text: text})
	} else {
		return fmt.Errorf("no edit is named before the block\n%s", text)
	}
	return nil
}

// checkout is a copy of the repository that an example changes. The go command
// compiles the original with the changed files laid over it, so that what does not
// change is compiled once for all; tests run in the copy.
type checkout struct {
	root, dir string
	replaced  map[string]string // files of the copy, by the originals' names
	binaries  map[string]string // of tests with the edits so far, by their packages
}

func newCheckout(t *testing.T, root string) *checkout {
	c := &checkout{root: root, dir: filepath.Join(t.TempDir(), "copy"), replaced: map[string]string{}}
	if err := copyTree(root, c.dir); err != nil {
		t.Fatal(err)
	}
	return c
}

// copyTree copies the repository, without what begins with a dot.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		switch {
		case rel != "." && strings.HasPrefix(rel, "."):
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		case !entry.Type().IsRegular():
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o644)
	})
}

// apply makes an edit, and formats Go as an editor does.
func (c *checkout) apply(t *testing.T, e edit) {
	t.Helper()
	to := filepath.Join(c.dir, filepath.FromSlash(e.file))
	text := e.text
	if data, err := os.ReadFile(to); e.place == "" {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s is not new: %v", e.file, err)
		}
	} else if err != nil {
		t.Fatal(err)
	} else if text, err = e.in(string(data)); err != nil {
		t.Fatal(err)
	}
	if path.Ext(e.file) == ".go" {
		formatted, err := format.Source([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", e.file, err)
		}
		text = string(formatted)
	}
	if err := os.WriteFile(to, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c.replaced[filepath.Join(c.root, filepath.FromSlash(e.file))] = to
	c.binaries = map[string]string{}
}

// in is a file's text with the edit made. What is put in is indented as the
// anchor's line is.
func (e edit) in(text string) (string, error) {
	lines := strings.SplitAfter(text, "\n")
	has := func(line string) bool { return strings.Contains(line, e.anchor) }
	i := slices.IndexFunc(lines, has)
	if i < 0 || slices.ContainsFunc(lines[i+1:], has) {
		return "", fmt.Errorf("%s does not have exactly one line with %q", e.file, e.anchor)
	}
	indent := lines[i][:len(lines[i])-len(strings.TrimLeft(lines[i], " \t"))]
	var put []string
	for line := range strings.Lines(e.text) {
		put = append(put, indent+line)
	}
	switch e.place {
	case "after":
		lines = slices.Insert(lines, i+1, put...)
	case "before":
		lines = slices.Insert(lines, i, put...)
	default:
		lines = slices.Replace(lines, i, i+1, put...)
	}
	return strings.Join(lines, ""), nil
}

// tool runs the go command on the original with the changed files.
func (c *checkout) tool(t *testing.T, args ...string) (string, error) {
	t.Helper()
	overlay, err := json.Marshal(map[string]any{"Replace": c.replaced})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(c.dir), "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	tool := exec.CommandContext(t.Context(), "go", slices.Insert(args, 1, "-overlay="+file)...)
	tool.Dir, tool.Env = c.root, append(os.Environ(), "GOGC=400") // a linker that ends soon needs no tidiness
	out, err := tool.CombinedOutput()
	return string(out), err
}

// vet vets the packages that are changed, and compiles the program.
func (c *checkout) vet(t *testing.T) {
	t.Helper()
	packages := map[string]bool{".": true}
	for name := range c.replaced {
		rel, err := filepath.Rel(c.root, filepath.Dir(name))
		if err != nil {
			t.Fatal(err)
		}
		if path.Ext(name) == ".go" && rel != "." {
			packages["./"+filepath.ToSlash(rel)] = true
		}
	}
	if out, err := c.tool(t, append([]string{"vet"}, slices.Sorted(maps.Keys(packages))...)...); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

// run runs a go test command on the changed program: go test PACKAGE… [-run NAMES]
// [-args ARG…].
func (c *checkout) run(t *testing.T, line string) (output string, err error) {
	t.Helper()
	var packages, args []string
	fields := strings.Fields(strings.ReplaceAll(line, "'", ""))[2:]
	for len(fields) > 0 {
		switch {
		case fields[0] == "-args":
			args, fields = append(args, fields[1:]...), nil
		case fields[0] == "-run" && len(fields) > 1:
			args, fields = append(args, "-test.run="+fields[1]), fields[2:]
		case strings.HasPrefix(fields[0], "."):
			packages, fields = append(packages, fields[0]), fields[1:]
		default:
			t.Fatalf("%s: %s is not understood", line, fields[0])
		}
	}
	for _, p := range packages {
		binary := c.binaries[p]
		if binary == "" {
			binary = filepath.Join(filepath.Dir(c.dir), fmt.Sprintf("%d-%s.test.exe", len(c.replaced), path.Base(p)))
			if out, err := c.tool(t, "test", "-c", "-vet=off", "-ldflags=-w", "-o="+binary, p); err != nil {
				return out, err
			}
			c.binaries[p] = binary
		}
		test := exec.CommandContext(t.Context(), binary, args...)
		test.Dir = filepath.Join(c.dir, p)
		out, err := test.CombinedOutput()
		if err != nil {
			return string(out), err
		}
		if strings.Contains(string(out), "no tests to run") {
			return string(out), fmt.Errorf("%s has none of the tests", p)
		}
	}
	return "", nil
}
