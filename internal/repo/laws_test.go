package repo

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "pipecat-cloud-deploy"

// wings are the three packages that never know each other: see
// docs/architecture.md.
var wings = []string{module + "/deploy", module + "/poll", module + "/summary"}

// TestLawOfWings holds that deploy, poll and summary never import each other, and
// that nothing beneath them imports any of them.
func TestLawOfWings(t *testing.T) {
	for _, p := range packages(t) {
		above := p.ImportPath == module || strings.HasPrefix(p.ImportPath, module+"/cmd/") || p.ImportPath == module+"/internal/e2e" || p.ImportPath == module+"/internal/repo"
		if above {
			continue
		}
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if imported != p.ImportPath && slices.Contains(wings, imported) {
				t.Errorf("%s imports %s; only main.go may", p.ImportPath, imported)
			}
		}
	}
}

// TestLawOfWrites holds that an interface with a method that writes to the platform
// is in deploy alone, and that no other wing has the whole client.
func TestLawOfWrites(t *testing.T) {
	writes := writingMethods(t)
	for _, name := range []string{"CreateAgent", "UpdateAgent", "CreateBuild", "Upload", "UploadURL", "Start", "Offer", "EndSession"} {
		if !writes[name] {
			t.Errorf("%s is not found to write", name)
		}
	}
	for _, name := range []string{"Agent", "Build", "Logs", "SecretSet", "Session", "Sessions", "SessionLogs"} {
		if writes[name] {
			t.Errorf("%s is found to write", name)
		}
	}
	apis := 0
	for _, p := range packages(t) {
		if p.ImportPath == module || strings.HasPrefix(p.ImportPath, module+"/cmd/") || strings.HasPrefix(p.ImportPath, module+"/internal/pipecat") {
			continue
		}
		eachFile(t, p, func(fset *token.FileSet, file *ast.File) {
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.TypeSpec:
					methods, ok := n.Type.(*ast.InterfaceType)
					if !ok {
						break
					}
					if api := p.ImportPath == module+"/deploy" && n.Name.Name == "API"; api {
						apis++
						break
					}
					for _, m := range methods.Methods.List {
						if len(m.Names) == 1 && writes[m.Names[0].Name] {
							t.Errorf("%s: interface %s has the method %s, which writes; only deploy.API may", fset.Position(m.Pos()), n.Name.Name, m.Names[0].Name)
						}
					}
				case *ast.SelectorExpr:
					x, ok := n.X.(*ast.Ident)
					if ok && x.Name == "pipecat" && n.Sel.Name == "Client" && slices.Contains(wings, p.ImportPath) {
						t.Errorf("%s: %s has the whole client, which writes; take an interface", fset.Position(n.Pos()), p.ImportPath)
					}
				}
				return true
			})
		})
	}
	if apis != 1 {
		t.Errorf("deploy has %d interfaces called API, want 1", apis)
	}
}

// writingMethods are the client's methods that send anything but a GET, directly or
// by another of its methods.
func writingMethods(t *testing.T) map[string]bool {
	t.Helper()
	calls, writes := map[string][]string{}, map[string]bool{}
	for _, p := range packages(t) {
		if p.ImportPath != module+"/internal/pipecat" {
			continue
		}
		eachFile(t, p, func(_ *token.FileSet, file *ast.File) {
			for _, d := range file.Decls {
				f, ok := d.(*ast.FuncDecl)
				if !ok || f.Recv == nil {
					continue
				}
				ast.Inspect(f.Body, func(n ast.Node) bool {
					if s, ok := n.(*ast.SelectorExpr); ok {
						calls[f.Name.Name] = append(calls[f.Name.Name], s.Sel.Name)
						writes[f.Name.Name] = writes[f.Name.Name] || slices.Contains([]string{"MethodPost", "MethodPut", "MethodPatch", "MethodDelete"}, s.Sel.Name)
					}
					return true
				})
			}
		})
	}
	for again := true; again; {
		again = false
		for name, called := range calls {
			if !writes[name] && slices.ContainsFunc(called, func(c string) bool { return writes[c] }) {
				writes[name], again = true, true
			}
		}
	}
	return writes
}

// github is what only the packages that speak GitHub Actions may have in a text:
// the runner's variables, its commands, and Markdown.
var github = regexp.MustCompile("GITHUB_|RUNNER_[A-Z]|::[a-z-]+(?: [^:\n]*)?::|\\*\\*\\w[^*]*\\w\\*\\*|```|\\]\\(https?:|<details|<br>|(?:^|\n)#{1,4} \\w|\\|:?--")

// TestLawOfGitHub holds that the runner's variables, workflow commands and Markdown
// are in summary and internal/gha alone. What plays the runner is exempt, and the
// simulator, whose agents attack it.
func TestLawOfGitHub(t *testing.T) {
	speakers := []string{"/summary", "/internal/gha", "/internal/gha/ghatest", "/internal/e2e", "/internal/repo", "/internal/simulator", "/cmd/demo"}
	found := map[string]bool{}
	for _, p := range packages(t) {
		eachFile(t, p, func(fset *token.FileSet, file *ast.File) {
			ast.Inspect(file, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				text, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				word := github.FindString(text)
				switch {
				case word == "":
				case slices.Contains(speakers, strings.TrimPrefix(p.ImportPath, module)):
					found[p.ImportPath] = true
				default:
					t.Errorf("%s: %q is GitHub's; only summary and internal/gha may have it", fset.Position(lit.Pos()), word)
				}
				return true
			})
		})
	}
	for _, p := range []string{module + "/summary", module + "/internal/gha"} {
		if !found[p] {
			t.Errorf("nothing of GitHub's is found in %s, but in %v", p, slices.Collect(maps.Keys(found)))
		}
	}
}

// eachFile parses a package's own files, without its tests.
func eachFile(t *testing.T, p goPackage, visit func(*token.FileSet, *ast.File)) {
	t.Helper()
	fset := token.NewFileSet()
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		visit(fset, file)
	}
}

// TestRoot holds that the root has the two Go files that its users look for, and
// that main.go can be read in one go.
func TestRoot(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || fmt.Sprint(files) != "[main.go main_test.go]" {
		t.Errorf("the root has %q, %v; want main.go and main_test.go", files, err)
	}
	if n := strings.Count(read(t, "main.go"), "\n"); n > 220 {
		t.Errorf("main.go has %d lines; the story fits in 220", n)
	}
}
