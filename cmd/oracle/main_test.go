package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/pipecat"
)

// TestCases holds that a seed gives the same cases each time, and that there is one
// at least of each verdict.
func TestCases(t *testing.T) {
	var first, second, answers bytes.Buffer
	for _, w := range []*bytes.Buffer{&first, &second} {
		if err := generate(300, 7, w); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("a seed gives other cases the second time")
	}
	if err := judgeAll(&first, &answers); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(answers.String(), "\n"); n != 300 {
		t.Errorf("%d answers", n)
	}
	for _, verdict := range []string{"serving", "failed", "superseded", "pending"} {
		if !strings.Contains(answers.String(), `{"verdict":"`+verdict+`"`) {
			t.Errorf("none is %s", verdict)
		}
	}
	if err := judgeAll(strings.NewReader(`{"target":`), &answers); err == nil {
		t.Error("half a case is judged")
	}
}

// TestVerdicts judges a document of each kind.
func TestVerdicts(t *testing.T) {
	for document, want := range map[string]string{
		`{"desiredDeploymentId":"d","reconciledDeploymentId":"d","ready":true,"available":true}`:                                             "serving",
		`{"desiredDeploymentId":"d","reconciledDeploymentId":"d","ready":false}`:                                                             "pending",
		`{"desiredDeploymentId":"e","reconciledDeploymentId":"e","ready":true}`:                                                              "superseded",
		`{"desiredDeploymentId":"d","errors":[{"code":"PCC_IMAGE_NOT_FOUND"}]}`:                                                              "failed",
		`{"desiredDeploymentId":"d","reconciledDeploymentId":"d","currentRevision":{"deploymentID":"d","health":{"reason":"errimagepull"}}}`: "failed",
		`{"name":"other","desiredDeploymentId":"d"}`:                                                                                         "pending",
		`[]`: "pending",
	} {
		if a := judge(Case{Target: Target{Agent: "bot", ID: "d"}, Document: json.RawMessage(document)}); a.Verdict != want {
			t.Errorf("%s: got %+v, want %s", document, a, want)
		}
	}
}

// TestCompare finds what is lost, and what is not read.
func TestCompare(t *testing.T) {
	for document, want := range map[string]string{
		`{"name":"bot","ready":true,"available":null,"createdAt":"2026-01-02T03:04:05.5Z","errors":[{"code":"a","message":"b"},"c"]}`: "[] []",
		`{"errors":{"code":"a"},"currentRevision":null,"autoScaling":{"minReplicas":0,"maxReplicas":2}}`:                              "[] []",
		`{"errors":["PCC_X","PCC_X: no image","no image"]}`:                                                                           "[] []",
		`{"git":{"branch":"main"},"currentRevision":{"new":1,"readyReplicas":2}}`:                                                     "[] [currentRevision.new git]",
		`{"ready":"true","createdAt":"yesterday","conditions":["odd"]}`:                                                               "[conditions: [odd] createdAt: yesterday ready: true] []",
	} {
		var a pipecat.Agent
		if err := json.Unmarshal([]byte(document), &a); err != nil {
			t.Fatal(err)
		}
		if lost, unread := compare([]byte(document), &a); fmt.Sprint(lost, unread) != want {
			t.Errorf("%s: got %v %v, want %s", document, lost, unread, want)
		}
	}
}

// TestConfigs holds that each text has its line, whatever it is.
func TestConfigs(t *testing.T) {
	dir, out := t.TempDir(), bytes.Buffer{}
	t.Chdir(dir)
	const texts = `"agent_name = \"my-bot\"\nimage = \"a/b:v1\"\nscaling.min_agents = 2" "agent_name = 1" ""`
	if err := readAll(dir, strings.NewReader(texts), &out); err != nil {
		t.Fatal(err)
	}
	want := []string{`{"fields":{"agent_name":"my-bot","builds":false,"context_dir":".","dockerfile":"Dockerfile","image":"a/b:v1","min_agents":2}}`,
		`{"refused":["pcc-deploy.toml:1: agent_name: its value must be a text in quotes"]}`, `{"refused":["agent-name: it is missing`}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 4 || lines[0] != want[0] || lines[1] != want[1] || !strings.HasPrefix(lines[2], want[2]) {
		t.Errorf("got %s", out.String())
	}
	if err := readAll(dir, strings.NewReader(`"half`), &out); err == nil {
		t.Error("half a text is read")
	}
}
