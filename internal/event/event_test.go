package event

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
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

// TestKinds holds that Kinds has each type that is declared as an event, once.
func TestKinds(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared, listed []string
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "isEvent" {
			declared = append(declared, f.Recv.List[0].Type.(*ast.Ident).Name)
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
