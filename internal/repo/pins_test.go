package repo

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tool is an import of tools/tools.go: a program of the checks or of a release.
type tool struct{ name, path, module, version string }

func tools(t *testing.T) (all []tool) {
	t.Helper()
	inRoot()
	file, err := parser.ParseFile(token.NewFileSet(), "tools/tools.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	required := regexp.MustCompile(`(?m)^\t(\S+) (v\S+)$`).FindAllStringSubmatch(read(t, "tools/go.mod"), -1)
	for _, spec := range file.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		found := tool{name: filepath.Base(path), path: path}
		for _, m := range required {
			if path == m[1] || strings.HasPrefix(path, m[1]+"/") {
				found.module, found.version = m[1], m[2]
			}
		}
		if found.version == "" {
			t.Fatalf("tools/go.mod has no version of %s", path)
		}
		all = append(all, found)
	}
	if len(all) == 0 {
		t.Fatal("tools/tools.go names no tool")
	}
	return all
}

// texts are the repository's files by their paths, without what git ignores or
// keeps to itself.
func texts(t *testing.T) map[string]string {
	t.Helper()
	inRoot()
	all := map[string]string{}
	err := filepath.WalkDir(".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (name == ".git" || name == ".e2e" || name == "dist" || e.Name() == "fuzz"):
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		}
		data, err := os.ReadFile(name)
		all[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil || len(all) < 50 {
		t.Fatalf("%d files: %v", len(all), err)
	}
	return all
}

// TestTools holds that tools/go.mod alone says which versions of the tools are used,
// that .ci/tool knows every tool that is asked of it, and that updates reach them.
func TestTools(t *testing.T) {
	known := map[string]bool{"-install": true}
	all := texts(t)
	for _, tool := range tools(t) {
		known[tool.name] = true
		pinned := regexp.MustCompile(regexp.QuoteMeta(tool.module) + `[\w/.-]*@|\b` + regexp.QuoteMeta(tool.name) + `\b.*\b` + regexp.QuoteMeta(tool.version) + `\b`)
		for file, text := range all {
			if strings.HasPrefix(file, "tools/") || !strings.Contains(text, tool.version) && !strings.Contains(text, tool.module) {
				continue
			}
			if found := pinned.FindString(text); found != "" {
				t.Errorf("%s: %q; tools/go.mod says which version of %s is used, and .ci/tool runs it", file, found, tool.name)
			}
		}
	}
	uses := regexp.MustCompile(`\.ci/tool"? (-?[a-z][\w-]*)`)
	n := 0
	for file, text := range all {
		if !strings.HasPrefix(file, ".ci/tool") && (strings.HasPrefix(file, ".ci/") || strings.HasPrefix(file, ".github/workflows/")) {
			for _, m := range uses.FindAllStringSubmatch(text, -1) {
				if n++; !known[m[1]] {
					t.Errorf("%s: tools/tools.go has no %s", file, m[1])
				}
			}
		}
	}
	if n == 0 {
		t.Error("nothing uses .ci/tool")
	}
	for _, args := range []string{"no-such-tool", "-install no-such-tool ."} {
		if exec.Command(".ci/tool", strings.Fields(args)...).Run() == nil {
			t.Errorf(".ci/tool %s: it succeeds", args)
		}
	}
}

// TestActions holds that the actions of someone else's repository have the same commit,
// and beside it the same version, wherever they are used.
func TestActions(t *testing.T) {
	use := regexp.MustCompile(`(?m)^[\s-]*uses: ([^\s@]+)@([0-9a-f]{40}) # (v[\d.]+)`)
	first := map[string]string{}
	for file, text := range texts(t) {
		if !strings.HasPrefix(file, ".github/") && !strings.HasPrefix(file, "examples/") {
			continue
		}
		for _, m := range use.FindAllStringSubmatch(text, -1) {
			pin, from := m[2]+" "+m[3], repositoryOf(m[1])
			if other, known := first[from]; known && other != pin {
				t.Errorf("%s: %s is at %s, and elsewhere at %s", file, m[1], pin, other)
			}
			first[from] = pin
		}
		for _, m := range regexp.MustCompile(`(?m)^[\s-]*uses: (\S+)`).FindAllStringSubmatch(text, -1) {
			foreign := !ours(m[1]) && !strings.HasPrefix(m[1], "acme/") && !strings.HasPrefix(m[1], "./")
			if foreign && first[repositoryOf(m[1])] == "" {
				t.Errorf("%s: %s is not pinned to a commit, with its version behind it", file, m[1])
			}
		}
	}
	if len(first) < 5 {
		t.Errorf("only %d actions", len(first))
	}
}

// repositoryOf is the repository of an action, which may be in a folder of it.
func repositoryOf(uses string) string {
	action, _, _ := strings.Cut(uses, "@")
	parts := strings.Split(action, "/")
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// TestGoVersion holds that the image and the pages name the version of Go that
// go.mod asks for.
func TestGoVersion(t *testing.T) {
	versions := regexp.MustCompile(`(?m)^go (\d+\.\d+).*\n+toolchain (\S+)`)
	mod := versions.FindStringSubmatch(read(t, "go.mod"))
	if mod == nil {
		t.Fatal("go.mod names no version")
	}
	if of := versions.FindString(read(t, "tools/go.mod")); of != mod[0] {
		t.Errorf("tools/go.mod has %q, go.mod %q", of, mod[0])
	}
	pages := prose(t)
	pages["Dockerfile"] = read(t, "Dockerfile")
	named := map[string]bool{}
	for file, text := range pages {
		for _, m := range regexp.MustCompile(`(?:\bGo |\bgolang:)(\d+\.\d+)`).FindAllStringSubmatch(text, -1) {
			if named[file] = true; m[1] != mod[1] {
				t.Errorf("%s: Go %s, while go.mod asks for %s", file, m[1], mod[1])
			}
		}
	}
	for _, file := range []string{"Dockerfile", "README.md", "CONTRIBUTING.md"} {
		if !named[file] {
			t.Errorf("%s names no version of Go", file)
		}
	}
	for file, text := range texts(t) {
		if strings.HasPrefix(file, ".github/workflows/") && strings.Contains(text, "go-version:") {
			t.Errorf("%s: go-version-file: go.mod says which Go is used", file)
		}
	}
}
