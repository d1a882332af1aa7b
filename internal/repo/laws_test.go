package repo

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/event"
)

const module = "pipecat-cloud-deploy"

// wings are the three packages that never know each other: see
// docs/architecture.md.
var wings = []string{module + "/deploy", module + "/poll", module + "/summary"}

// tops are what puts the wings together, and what tests the whole.
var tops = []string{module + "/cmd", module + "/internal/e2e", module + "/internal/repo"}

// within reports whether a package is one of those, or in a folder of one.
func within(importPath string, those ...string) bool {
	return slices.ContainsFunc(those, func(p string) bool { return importPath == p || strings.HasPrefix(importPath, p+"/") })
}

// onTop reports whether a package may know all of the others.
func onTop(importPath string) bool { return importPath == module || within(importPath, tops...) }

// eachImport visits what a package's files import, with those of other platforms and,
// where they are asked for, the tests.
func eachImport(t *testing.T, p goPackage, tests bool, visit func(at token.Position, imported string)) {
	t.Helper()
	names := p.Files
	if tests {
		names = slices.Concat(p.Files, p.Tests)
	}
	fset := token.NewFileSet()
	for _, name := range names {
		file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			visit(fset.Position(spec.Pos()), imported)
		}
	}
}

// TestLawOfWings holds that deploy, poll and summary never import each other, and
// that nothing beneath them imports any of them, or what is on top of them.
func TestLawOfWings(t *testing.T) {
	var found []string
	for _, p := range packages(t) {
		if slices.Contains(wings, p.ImportPath) && len(p.Files) > 0 {
			found = append(found, p.ImportPath)
		}
		if onTop(p.ImportPath) {
			continue
		}
		eachImport(t, p, true, func(at token.Position, imported string) {
			if onTop(imported) {
				t.Errorf("%s: %s imports %s, which is on top of it", at, p.ImportPath, imported)
			}
			for _, wing := range wings {
				if within(imported, wing) && !within(p.ImportPath, wing) {
					t.Errorf("%s: %s imports %s; only main.go may", at, p.ImportPath, imported)
				}
			}
		})
	}
	if !slices.Equal(found, wings) {
		t.Errorf("the wings are %q, found are %q", wings, found)
	}
}

// imports are what each wing may import of this module, of other modules, and of what
// in the standard library reaches out of the program. deploy knows no config.
var imports = map[string]string{
	"deploy":  "buildcontext event pacing phone pipecat quantity revision settings suggest verdict github.com/cenkalti/backoff/v4 net/http net/url",
	"poll":    "event hearing pacing phone pipecat quantity revision settings untrusted verdict github.com/cenkalti/backoff/v4 net/http",
	"summary": "buildcontext diagnosis event gha hearing pipecat quantity revision settings stopping untrusted verdict io/fs",
}

// TestImports holds the wings to their lists.
func TestImports(t *testing.T) {
	reaches := regexp.MustCompile(`\.|^(?:net|os|io/fs|log|reflect|syscall|unsafe|plugin|testing|embed|C)(?:/|$)`)
	for wing, list := range imports {
		used := map[string]bool{}
		for _, p := range packages(t) {
			if !within(p.ImportPath, module+"/"+wing) {
				continue
			}
			eachImport(t, p, false, func(at token.Position, imported string) {
				own := within(imported, module)
				if !own && !reaches.MatchString(imported) || within(imported, module+"/"+wing) {
					return
				}
				name := strings.TrimPrefix(imported, module+"/internal/")
				if used[name] = true; !slices.Contains(strings.Fields(list), name) {
					t.Errorf("%s: %s imports %s, which is not in its list", at, p.ImportPath, imported)
				}
			})
		}
		for _, name := range strings.Fields(list) {
			if !used[name] {
				t.Errorf("%s does not import %s, which is in its list", wing, name)
			}
		}
	}
}

// TestLawOfWrites holds that what writes to the platform is called in deploy alone,
// by the methods of its interface API, and that no other wing can come by it: by
// another interface, a whole client, or a request that it makes itself.
func TestLawOfWrites(t *testing.T) {
	c, all := below(t)
	client := slices.IndexFunc(all, func(p checked) bool { return p.ImportPath == module+"/internal/pipecat" })
	if client < 0 {
		t.Fatal("there is no internal/pipecat")
	}
	writes := newWriters(t, c, all[client])
	apis := 0
	for i, p := range all {
		if i == client {
			continue
		}
		info := p.info
		deploy, wing := p.ImportPath == module+"/deploy", within(p.ImportPath, wings...)
		failures := map[string]bool{}
		fails := func(n ast.Node, format string, args ...any) {
			at := c.fset.Position(n.Pos())
			failures[fmt.Sprintf("%s:%d: %s %s", at.Filename, at.Line, p.ImportPath, fmt.Sprintf(format, args...))] = true
		}
		var api ast.Expr // the one interface that may write
		for _, file := range p.files {
			ast.Inspect(file, func(n ast.Node) bool {
				spec, ok := n.(*ast.TypeSpec)
				if ok && deploy && spec.Name.Name == "API" && writes.method(info.TypeOf(spec.Type)) != "" {
					apis, api = apis+1, spec.Type
				}
				return true
			})
		}
		for name, is := range info.Uses {
			switch {
			case !deploy && writes.is(is):
				fails(name, "uses %s, which writes; only deploy may", name.Name)
			case wing && !deploy && is.Pkg() != nil && is.Pkg().Path() == "net/http" && !strings.HasPrefix(name.Name, "Status"):
				fails(name, "uses http.%s; only the statuses of responses are for it", name.Name)
			}
		}
		for expr, is := range info.Types {
			if wing && !deploy && is.Value != nil && is.Value.Kind() == constant.String && slices.Contains(methods, constant.StringVal(is.Value)) {
				fails(expr, "has the method %s, which writes; only deploy may", is.Value)
			}
			named, _ := types.Unalias(is.Type).(*types.Named)
			method := writes.method(is.Type)
			switch {
			case method == "" || expr == api || deploy && named != nil && named.Obj().Name() == "API":
			case types.IsInterface(is.Type):
				fails(expr, "has an interface with the method %s, which writes; only deploy.API may", method)
			case wing && !deploy:
				fails(expr, "has the whole %s, which writes by %s; take an interface", is.Type, method)
			}
		}
		for _, failure := range slices.Sorted(maps.Keys(failures)) {
			t.Error(failure)
		}
	}
	if apis != 1 {
		t.Errorf("deploy has %d interfaces called API that write, want 1", apis)
	}
}

// methods are those of requests that write.
var methods = []string{"POST", "PUT", "PATCH", "DELETE"}

// writers knows what of the package of the client writes.
type writers struct {
	names   map[string]bool               // of functions, methods and variables, in full
	methods map[string][]*types.Signature // of the methods that write, by their bare names
	known   map[types.Type]string         // see method
}

// newWriters finds what sends anything but a GET, directly or by something else that does.
func newWriters(t *testing.T, c *checker, client checked) *writers {
	t.Helper()
	info := client.info
	w := &writers{map[string]bool{}, map[string][]*types.Signature{}, map[types.Type]string{}}
	uses := map[types.Object][]string{} // what is used in what is declared
	for _, file := range client.files {
		for _, d := range file.Decls {
			declared := map[*ast.Ident]ast.Node{}
			switch d := d.(type) {
			case *ast.FuncDecl:
				declared[d.Name] = d
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if spec, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.VAR {
						for _, name := range spec.Names {
							declared[name] = spec
						}
					}
				}
			}
			for name, n := range declared {
				object := info.Defs[name]
				uses[object] = nil
				ast.Inspect(n, func(n ast.Node) bool {
					if expr, ok := n.(ast.Expr); ok {
						value := info.Types[expr].Value
						w.names[full(object)] = w.names[full(object)] || value != nil && value.Kind() == constant.String && slices.Contains(methods, constant.StringVal(value))
					}
					if id, ok := n.(*ast.Ident); ok && info.Uses[id] != nil {
						uses[object] = append(uses[object], full(info.Uses[id]))
					}
					return true
				})
			}
		}
	}
	for again := true; again; {
		again = false
		for object, used := range uses {
			if !w.names[full(object)] && slices.ContainsFunc(used, func(name string) bool { return w.names[name] }) {
				w.names[full(object)], again = true, true
			}
		}
	}
	bare := map[string]bool{}
	for object := range uses {
		bare[object.Name()] = bare[object.Name()] || w.names[full(object)]
	}
	for _, name := range []string{"CreateAgent", "UpdateAgent", "CreateBuild", "Upload", "UploadURL", "PutSecrets", "Start", "Offer", "EndSession"} {
		if !bare[name] {
			t.Errorf("%s is not found to write", name)
		}
	}
	for _, name := range []string{"Agent", "Build", "Logs", "SecretSet", "Session", "Sessions", "SessionLogs"} {
		if bare[name] {
			t.Errorf("%s is found to write", name)
		}
	}
	// The rest of the module has the package as it is compiled: so are these signatures.
	compiled, err := c.imported.Import(client.ImportPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range compiled.Scope().Names() {
		set := types.NewMethodSet(types.NewPointer(compiled.Scope().Lookup(name).Type()))
		for i := range set.Len() {
			if method := set.At(i).Obj(); method.Exported() && w.names[full(method)] {
				w.methods[method.Name()] = append(w.methods[method.Name()], method.Type().(*types.Signature))
			}
		}
	}
	return w
}

// full is an object's name with its package's, and a method's with its type's.
func full(o types.Object) string {
	if f, ok := o.(*types.Func); ok {
		return f.FullName()
	}
	if o.Pkg() == nil || o.Parent() != o.Pkg().Scope() {
		return ""
	}
	return o.Pkg().Path() + "." + o.Name()
}

// is reports whether an object writes: one of the client's package, or a method of
// an interface that the client has.
func (w *writers) is(o types.Object) bool {
	f, ok := o.(*types.Func)
	return w.names[full(o)] || ok && w.has(f)
}

func (w *writers) has(f *types.Func) bool {
	signature := f.Signature()
	return signature.Recv() != nil && types.IsInterface(signature.Recv().Type()) &&
		slices.ContainsFunc(w.methods[f.Name()], func(s *types.Signature) bool { return types.Identical(s, signature) })
}

// method is a method that writes, of those that a type or a pointer to it has.
func (w *writers) method(of types.Type) string {
	switch of.(type) {
	case *types.Named, *types.Alias, *types.Pointer, *types.Interface, *types.Struct, *types.TypeParam:
	default:
		return "" // it has no methods
	}
	found, ok := w.known[of]
	if ok {
		return found
	}
	set := types.NewMethodSet(of)
	if _, named := types.Unalias(of).(*types.Named); named && !types.IsInterface(of) {
		set = types.NewMethodSet(types.NewPointer(of))
	}
	for i := range set.Len() {
		if f := set.At(i).Obj().(*types.Func); f.Exported() && w.is(f) {
			found = f.Name()
		}
	}
	w.known[of] = found
	return found
}

// TestEvents holds that the types which are events are those of event.Kinds, whether
// they are declared as such or are so by a part of them, and in whichever package.
func TestEvents(t *testing.T) {
	const home = module + "/internal/event"
	c, all := below(t)
	known, err := c.imported.Import(home)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, kind := range event.Kinds() {
		want[home+"."+reflect.TypeOf(kind).Name()] = true
	}
	found := 0
	for _, p := range all {
		for name, is := range p.info.Defs {
			declared, ok := is.(*types.TypeName)
			if !ok || declared.IsAlias() || types.IsInterface(declared.Type()) {
				continue
			}
			method, _, _ := types.LookupFieldOrMethod(declared.Type(), true, known, "isEvent")
			if _, ok := method.(*types.Func); !ok {
				continue
			}
			if found++; !want[full(declared)] {
				t.Errorf("%s: %s.%s is an event, and event.Kinds does not have it", c.fset.Position(name.Pos()), p.ImportPath, name.Name)
			}
		}
	}
	if found < len(want) || found == 0 {
		t.Errorf("%d types are events, and event.Kinds has %d", found, len(want))
	}
}

// github is what only the packages that speak GitHub Actions may have in a text: the
// runner's variables, its commands, and Markdown.
var github = regexp.MustCompile(strings.Join([]string{
	`GITHUB_|RUNNER_[A-Z]|ACTIONS_[A-Z]`,
	`::[a-z-]+(?: [^:\n]*)?::`, `##\[`,
	`\*\*\w[^*]*\w\*\*`, "`[^`\n]+`", "```", `(?:^|\n)~~~`,
	`\]\((?:https?:|\.{0,2}/|[#%]|[\w/-]+\.\w)`, // a link
	`</?(?:a|b|br|code|details|i|img|kbd|p|picture|pre|sub|summary|sup|table)\b[^>]*>`,
	`(?:^|\n)(?:#{1,6} \w|[-*+] \S|\d+\. \S|> )`, `\|:?--`,
}, "|"))

// speakers are the packages that may have it. What plays the runner or looks at its
// pages is exempt, and the simulator, whose agents attack it.
var speakers = []string{"/summary", "/internal/gha", "/internal/e2e", "/internal/repo", "/internal/simulator", "/cmd/demo", "/cmd/pictures"}

// exceptions are what single files may have. The texts of hints and of inputs have
// code spans on purpose: they are written for pages, and the log and -h get them without.
var exceptions = []struct{ file, words string }{
	{"internal/diagnosis/hints*.go", "^`[^`]+`$"},
	{"internal/config/table.go", "^`[^`]+`$"},
	{"internal/untrusted/untrusted.go", `^##\[$`}, // which it defuses
}

// importers are what alone may import some packages, beside main.go and their own
// folders.
var importers = map[string][]string{
	module + "/internal/config":             {module + "/cmd/oracle", module + "/internal/e2e", module + "/internal/repo"},
	module + "/internal/gha":                {module + "/cmd/oracle", module + "/internal/e2e", module + "/internal/config", module + "/summary"},
	"github.com/sethvargo/go-githubactions": {module + "/internal/gha"},
}

// TestImporters holds that no other package imports those of importers: what speaks
// GitHub Actions, and the config.
func TestImporters(t *testing.T) {
	used := map[string]bool{}
	for _, p := range packages(t) {
		eachImport(t, p, false, func(at token.Position, imported string) {
			for restricted, by := range importers {
				if !within(imported, restricted) || within(p.ImportPath, restricted) {
					continue
				}
				if used[restricted] = true; p.ImportPath != module && !within(p.ImportPath, by...) {
					t.Errorf("%s: %s imports %s; only main.go and %q may", at, p.ImportPath, imported, by)
				}
			}
		})
	}
	for restricted := range importers {
		if !used[restricted] {
			t.Errorf("nothing imports %s", restricted)
		}
	}
}

// TestLawOfGitHub holds that the runner's variables, workflow commands and Markdown
// are in summary and internal/gha alone, but for the exceptions.
func TestLawOfGitHub(t *testing.T) {
	found := map[string]bool{}
	for _, p := range packages(t) {
		speaks := within(strings.TrimPrefix(p.ImportPath, module), speakers...)
		eachFile(t, p, func(fset *token.FileSet, file *ast.File) {
			name := filepath.ToSlash(fset.Position(file.Pos()).Filename)
			ast.Inspect(file, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				text, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				for _, word := range github.FindAllString(text, -1) {
					by := p.ImportPath
					for _, e := range exceptions {
						if match, _ := path.Match(e.file, name); match && regexp.MustCompile(e.words).MatchString(word) {
							by = e.file
						}
					}
					if found[by] = true; !speaks && by == p.ImportPath {
						t.Errorf("%s: %q is GitHub's; only summary and internal/gha may have it", fset.Position(lit.Pos()), word)
					}
				}
				return true
			})
		})
	}
	want := []string{module + "/summary", module + "/internal/gha"}
	for _, e := range exceptions {
		want = append(want, e.file)
	}
	for _, name := range want {
		if !found[name] {
			t.Errorf("nothing of GitHub's is found in %s, but in %v", name, slices.Sorted(maps.Keys(found)))
		}
	}
}

// eachFile parses a package's own files, without its tests.
func eachFile(t *testing.T, p goPackage, visit func(*token.FileSet, *ast.File)) {
	t.Helper()
	fset := token.NewFileSet()
	for _, name := range p.Files {
		file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		visit(fset, file)
	}
}

// mainLines is how many lines main.go may have.
const mainLines = 220

// TestRoot holds that the root has the two Go files that its users look for, and
// that main.go can be read in one go.
func TestRoot(t *testing.T) {
	if files := glob(t, "*.go"); !slices.Equal(files, []string{"main.go", "main_test.go"}) {
		t.Errorf("the root has %q; want main.go and main_test.go", files)
	}
	if n := strings.Count(read(t, "main.go"), "\n"); n > mainLines {
		t.Errorf("main.go has %d lines; the story fits in %d", n, mainLines)
	}
}
