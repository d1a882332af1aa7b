package repo

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// checker type-checks packages of the module, so that a test knows what a name in
// them means, whatever it is called there.
type checker struct {
	fset     *token.FileSet
	imported types.Importer
}

// checked is a package with what the names in it mean.
type checked struct {
	goPackage
	files []*ast.File
	info  *types.Info
}

// below are the packages beneath main.go, type-checked once for all tests.
func below(t *testing.T) (*checker, []checked) {
	t.Helper()
	var all []goPackage
	for _, p := range packages(t) { // which also notes for go test what is read
		if !onTop(p.ImportPath) && len(p.Files) > 0 {
			all = append(all, p)
		}
	}
	typesOnce.Do(func() {
		typesBelow.checker = newChecker(t, all)
		for _, p := range all {
			files, info := typesBelow.checker.check(t, p)
			typesBelow.packages = append(typesBelow.packages, checked{p, files, info})
		}
	})
	if len(typesBelow.packages) != len(all) {
		t.Fatalf("%d of %d packages are type-checked", len(typesBelow.packages), len(all))
	}
	return typesBelow.checker, typesBelow.packages
}

var (
	typesOnce  sync.Once
	typesBelow struct {
		checker  *checker
		packages []checked
	}
)

// newChecker makes a checker of packages. What they import, it reads as the go command
// has compiled it.
func newChecker(t *testing.T, of []goPackage) *checker {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Export"}
	for _, p := range of {
		args = append(args, "./"+filepath.ToSlash(p.Dir))
	}
	list := exec.Command("go", args...)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	compiled := map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var p struct{ ImportPath, Export string }
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		compiled[p.ImportPath] = p.Export
	}
	fset := token.NewFileSet()
	return &checker{fset, importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(compiled[path]) // fails for a path that is not compiled
	})}
}

// check type-checks a package without its tests. Files of other platforms declare some
// things a second time, and import what is not there: those errors are passed over.
func (c *checker) check(t *testing.T, p goPackage) ([]*ast.File, *types.Info) {
	t.Helper()
	var files []*ast.File
	own := true // all files are of this platform
	for _, name := range p.Files {
		file, err := parser.ParseFile(c.fset, filepath.Join(p.Dir, name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
		match, err := build.Default.MatchFile(p.Dir, name)
		own = own && match && err == nil
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: c.imported, Error: func(err error) {
		if own {
			t.Error(err)
		}
	}}
	_, _ = config.Check(p.ImportPath, c.fset, files, info)
	return files, info
}
