package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pipecat-cloud-deploy/inputs"
	"pipecat-cloud-deploy/summary"
	"pipecat-cloud-deploy/verdict"
)

// TestDocs holds action.yml and the README to the tables in Go. With -update
// it writes what is between the marks.
func TestDocs(t *testing.T) {
	for _, tt := range []struct{ file, from, to, want string }{
		{"action.yml", "\ninputs:\n", "runs:\n", actionYAML()},
		{"README.md", "<!-- inputs -->\n", "<!-- end -->", inputsTable()},
		{"README.md", "<!-- outputs -->\n", "<!-- end -->", outputsTable()},
		{"README.md", "<!-- statuses -->\n", "<!-- end -->", table([]string{"`status`", "Exit", "When"}, statusRows())},
		{"README.md", "<!-- reasons -->\n", "<!-- end -->", table([]string{"`failure-reason`", "What to do"}, reasonRows())},
	} {
		data, err := os.ReadFile(tt.file)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, ok := strings.Cut(string(data), tt.from)
		if !ok {
			t.Fatalf("%s has no %q", tt.file, tt.from)
		}
		got, after, ok := strings.Cut(rest, tt.to)
		if !ok {
			t.Fatalf("%s: %q has no end", tt.file, tt.from)
		}
		if got == tt.want {
			continue
		}
		if !*update {
			t.Errorf("%s, from %q: not what the tables in Go say; go test . -args -update writes it", tt.file, tt.from)
			continue
		}
		if err := os.WriteFile(tt.file, []byte(before+tt.from+tt.want+tt.to+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNamedTests holds that the tests that the README names are there.
func TestNamedTests(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	own, _ := filepath.Glob("*_test.go")
	var code strings.Builder
	for _, file := range append(files, own...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(data)
	}
	names := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z]+)`").FindAllStringSubmatch(string(readme), -1)
	if len(names) == 0 {
		t.Error("the README names no test")
	}
	for _, name := range names {
		if !strings.Contains(code.String(), "\nfunc "+name[1]+"(") {
			t.Errorf("there is no %s", name[1])
		}
	}
}

func actionYAML() string {
	var b strings.Builder
	for _, in := range inputs.Table() {
		fmt.Fprintf(&b, "  %s:\n    description: %s\n", in.Name, strconv.Quote(in.Text))
		if in.Required {
			b.WriteString("    required: true\n")
		}
		if d := in.ActionDefault(); d != "" {
			fmt.Fprintf(&b, "    default: %s\n", strconv.Quote(d))
		}
		if in.Retired {
			fmt.Fprintf(&b, "    deprecationMessage: %s\n", strconv.Quote(in.Text))
		}
	}
	b.WriteString("\noutputs:\n")
	for _, o := range summary.Outputs() {
		fmt.Fprintf(&b, "  %s:\n    description: %s\n", o.Name, strconv.Quote(o.Text))
	}
	b.WriteString("\n")
	return b.String()
}

func inputsTable() string {
	var rows [][]string
	for _, in := range inputs.Table() {
		byDefault := ""
		switch {
		case in.Required:
			byDefault = "required"
		case in.Default != "":
			byDefault = "`" + in.Default + "`"
		}
		rows = append(rows, []string{"`" + in.Name + "`", byDefault, in.Text})
	}
	return table([]string{"Input", "Default", "Meaning"}, rows)
}

func outputsTable() string {
	var rows [][]string
	for _, o := range summary.Outputs() {
		rows = append(rows, []string{"`" + o.Name + "`", o.Text})
	}
	return table([]string{"Output", "Meaning"}, rows)
}

func statusRows() (rows [][]string) {
	for _, s := range verdict.Statuses() {
		rows = append(rows, []string{"`" + s.Word + "`", fmt.Sprint(verdict.Status(s.Word).ExitCode()), s.Text})
	}
	return rows
}

func reasonRows() (rows [][]string) {
	for _, r := range verdict.Reasons() {
		rows = append(rows, []string{"`" + r.Word + "`", r.Text})
	}
	return rows
}

func table(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(head)
	b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, row := range rows {
		line(row)
	}
	return b.String()
}
