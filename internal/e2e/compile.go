package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	gotoken "go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// programPackage is a package that the program is built of. The texts are those of its
// files by their names; nil for one of another module.
type programPackage struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	Module                  *struct{ Main bool }
	texts                   map[string]string
}

func programPackages() (all []programPackage, err error) {
	list := exec.Command("go", "list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles,Module", ".")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, err
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var p programPackage
		if err := decoder.Decode(&p); err != nil {
			return nil, err
		}
		if p.Module != nil && p.Module.Main {
			p.texts = map[string]string{}
			for _, file := range p.GoFiles {
				text, err := os.ReadFile(filepath.Join(p.Dir, file))
				if err != nil {
					return nil, err
				}
				p.texts[file] = string(text)
			}
		}
		all = append(all, p)
	}
	return all, nil
}

// only finds the one file that has a text, exactly once.
func only(all []programPackage, text string) (of programPackage, file string, err error) {
	n := 0
	for _, p := range all {
		for name, source := range p.texts {
			if found := strings.Count(source, text); found > 0 {
				n += found
				of, file = p, name
			}
		}
	}
	if n != 1 {
		return of, "", fmt.Errorf("the program has %q %d times, want once", text, n)
	}
	return of, file, nil
}

// compiler returns what checks that a package compiles with another text of a file.
func compiler(all []programPackage) func(of programPackage, file, text string) error {
	exports := map[string]string{}
	for _, p := range all {
		exports[p.ImportPath] = p.Export
	}
	fset := gotoken.NewFileSet()
	imported := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	return func(of programPackage, file, text string) error {
		var files []*ast.File
		for name, source := range of.texts {
			if name == file {
				source = text
			}
			parsed, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			files = append(files, parsed)
		}
		_, err := (&types.Config{Importer: imported}).Check(of.ImportPath, fset, files, nil)
		return err
	}
}
