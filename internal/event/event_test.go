package event

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestEmitter holds that an entry has its emitter's agent and step, and the time
// when it happened.
func TestEmitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []Entry
		e := Emitter{Agent: "bot", Step: Inputs, Handle: func(e Entry) { got = append(got, e) }}
		began := time.Now()
		e.Emit(PlatformIssue{})
		time.Sleep(time.Minute)
		e.In(Rollout).Emit(Recovered{After: time.Second})
		e.Emit(WaitEnded{}) // In has left e as it was
		want := []Entry{
			{"bot", Inputs, began, PlatformIssue{}},
			{"bot", Rollout, began.Add(time.Minute), Recovered{After: time.Second}},
			{"bot", Inputs, began.Add(time.Minute), WaitEnded{}},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	Emitter{}.In(Build).Emit(WaitEnded{}) // is dropped
}

// declarations are those of the package's files, without its tests.
func declarations(t *testing.T) (all []ast.Decl) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") {
			all = append(all, file.Decls...)
		}
	}
	return all
}

// TestKinds holds that Kinds has each type that is declared as an event, once. That no
// other type is one, TestEvents of internal/repo holds.
func TestKinds(t *testing.T) {
	var declared, listed []string
	for _, d := range declarations(t) {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "isEvent" {
			declared = append(declared, types.ExprString(f.Recv.List[0].Type))
		}
	}
	for _, kind := range Kinds() {
		listed = append(listed, reflect.TypeOf(kind).Name())
	}
	slices.Sort(declared)
	slices.Sort(listed)
	if len(listed) == 0 || !slices.Equal(listed, declared) {
		t.Errorf("Kinds has %q, declared are %q", listed, declared)
	}
}

// TestSteps holds that Steps has each step that is declared, once.
func TestSteps(t *testing.T) {
	var declared []Step
	for _, d := range declarations(t) {
		d, ok := d.(*ast.GenDecl)
		if !ok || d.Tok != token.CONST {
			continue
		}
		for _, spec := range d.Specs {
			spec := spec.(*ast.ValueSpec)
			if spec.Type == nil || types.ExprString(spec.Type) != "Step" {
				continue
			}
			for _, value := range spec.Values {
				word, err := strconv.Unquote(types.ExprString(value))
				if err != nil {
					t.Fatal(err)
				}
				declared = append(declared, Step(word))
			}
		}
	}
	if steps := Steps(); len(steps) == 0 || !slices.Equal(steps, declared) {
		t.Errorf("Steps has %q, declared are %q", steps, declared)
	}
}

// TestProblem holds how a problem names its place.
func TestProblem(t *testing.T) {
	for want, p := range map[string]Problem{
		"image: no tag":                      {Input: "image", Text: "no tag"},
		"no tag":                             {Text: "no tag"},
		"pcc-deploy.toml:3: image: no tag":   {Input: "image", Text: "no tag", File: "pcc-deploy.toml", Line: 3},
		"pcc-deploy.toml: image: no tag":     {Input: "image", Text: "no tag", File: "pcc-deploy.toml"},
		"pcc-deploy.toml:3: it has no value": {Text: "it has no value", File: "pcc-deploy.toml", Line: 3},
	} {
		if got := p.String(); got != want {
			t.Errorf("%+v: got %q, want %q", p, got, want)
		}
	}
}
