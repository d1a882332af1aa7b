// Package repo holds what the repository says of the program to the program:
// action.yml, the README, the docs, the examples, and the licenses of what it is
// made of. It has tests alone.
package repo

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v4"

	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/internal/version"
	"pipecat-cloud-deploy/summary"
)

var update = flag.Bool("update", false, "write what the tables in Go say into action.yml and docs/inputs.md")

// TestMain runs the tests in the repository's root.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// inRoot lets go test know where the tests are. It notes what they read from m.Run on,
// so it has not seen TestMain change the folder: it would look for all files in this
// one, and answer from its cache whatever becomes of them. Whatever reads calls inRoot.
var inRoot = sync.OnceFunc(func() {
	if err := os.Chdir("."); err != nil {
		panic(err)
	}
})

// TestDocs holds action.yml and docs/inputs.md to the tables in Go. With -update
// it writes what is between the marks.
func TestDocs(t *testing.T) {
	for _, tt := range []struct{ file, from, to, want string }{
		{"action.yml", "\ninputs:\n", "runs:\n", actionYAML(containerOutput)},
		{"setup/action.yml", "\ninputs:\n", "runs:\n", actionYAML(setupOutput)},
		{"setup/action.yml", "\n      env:\n", "      run:", setupEnv()},
		{"docs/inputs.md", "<!-- inputs -->\n", "<!-- end -->", inputsTable()},
		{"docs/inputs.md", "<!-- outputs -->\n", "<!-- end -->", outputsTable()},
		{"docs/inputs.md", "<!-- statuses -->\n", "<!-- end -->", table([]string{"`status`", "Exit", "When"}, statusRows())},
		{"docs/inputs.md", "<!-- reasons -->\n", "<!-- end -->", table([]string{"`failure-reason`", "What to do"}, reasonRows())},
	} {
		before, rest, ok := strings.Cut(read(t, tt.file), tt.from)
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
			t.Errorf("%s, from %q: not what the tables in Go say; go test ./internal/repo -args -update writes it", tt.file, tt.from)
			continue
		}
		if err := os.WriteFile(tt.file, []byte(before+tt.from+tt.want+tt.to+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNamedTests holds that the tests which the pages name are there.
func TestNamedTests(t *testing.T) {
	var pages strings.Builder
	for _, text := range prose(t) {
		pages.WriteString(text)
	}
	var code strings.Builder
	for _, p := range packages(t) {
		for _, file := range p.Tests {
			code.WriteString(read(t, filepath.Join(p.Dir, file)))
		}
	}
	names := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z]+)`").FindAllStringSubmatch(pages.String(), -1)
	if len(names) == 0 {
		t.Error("no page names a test")
	}
	for _, name := range names {
		if !strings.Contains(code.String(), "\nfunc "+name[1]+"(") {
			t.Errorf("there is no %s", name[1])
		}
	}
}

// TestExamples holds the workflows that users paste, those of examples and those
// in the README, to the tables of inputs and outputs. TestWorkflows holds those of
// examples to more of what keeps a workflow safe.
func TestExamples(t *testing.T) {
	files, pages := glob(t, "examples/*"), prose(t)
	var all strings.Builder
	for _, text := range pages {
		all.WriteString(text)
	}
	for _, file := range files {
		text := read(t, file)
		if !strings.Contains(all.String(), file) {
			t.Errorf("%s: neither the README nor docs names it", file)
		}
		checkWorkflow(t, file, text)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(# [.]github/workflows/.*?)```").FindAllStringSubmatch(pages["README.md"], -1)
	if len(blocks) == 0 {
		t.Error("the README has no workflow")
	}
	for _, block := range blocks {
		checkWorkflow(t, "README.md", block[1])
	}
}

// TestMigratedOutputs holds that the outputs of daily-co's action are there.
func TestMigratedOutputs(t *testing.T) {
	for _, name := range []string{"build-id", "service-name"} {
		if !slices.ContainsFunc(summary.OutputTable(), func(o summary.OutputRow) bool { return o.Name == name }) {
			t.Errorf("there is no output %s", name)
		}
	}
}

// TestTroubleshooting holds that each failure-reason has a section, in order.
func TestTroubleshooting(t *testing.T) {
	var got, want []string
	for _, m := range regexp.MustCompile("(?m)^## `(.+)`$").FindAllStringSubmatch(read(t, "docs/troubleshooting.md"), -1) {
		got = append(got, m[1])
	}
	for _, r := range summary.ReasonTexts() {
		want = append(want, r.Word)
	}
	if !slices.Equal(got, want) {
		t.Errorf("docs/troubleshooting.md has sections on %q, want %q", got, want)
	}
}

// TestSameRules holds that the rules have the same numbers wherever they are.
func TestSameRules(t *testing.T) {
	numbers := func(text, pattern string) (all []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			all = append(all, m[1])
		}
		return all
	}
	_, judge, _ := strings.Cut(read(t, "poll/judge.go"), "\nfunc Judge(")
	judge, _, _ = strings.Cut(judge, "\n}\n")
	page := read(t, "docs/how-it-decides.md")
	want := numbers(judge, `// (\d)\.`)
	for where, got := range map[string][]string{
		"docs/how-it-decides.md": numbers(page, `(?m)^### (\d)\. `),
		"its picture":            numbers(page, `"(\d)\. `),
	} {
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s has the rules %q, the judge %q", where, got, want)
		}
	}
}

// goPackage is a folder of the module that has Go files. Those of other platforms are
// among them, which go list leaves out.
type goPackage struct {
	ImportPath, Dir string
	Files, Tests    []string // their names in Dir, where Tests are those that go test alone compiles
}

// packages finds the module's packages. It reads the folders itself: go test
// does not see what a child reads, such as go list, and answers from its cache when
// a file comes.
func packages(t *testing.T) (all []goPackage) {
	t.Helper()
	inRoot()
	err := filepath.WalkDir(".", func(dir string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		name := e.Name()
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); dir != "." && (err == nil || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
			return fs.SkipDir
		}
		p := goPackage{ImportPath: path.Join(module, filepath.ToSlash(dir)), Dir: dir}
		entries, err := os.ReadDir(dir)
		for _, e := range entries {
			switch name := e.Name(); {
			case e.IsDir() || path.Ext(name) != ".go":
			case strings.HasSuffix(name, "_test.go"):
				p.Tests = append(p.Tests, name)
			default:
				p.Files = append(p.Files, name)
			}
		}
		if p.Files != nil || p.Tests != nil {
			all = append(all, p)
		}
		return err
	})
	if err != nil || len(all) < 10 {
		t.Fatalf("%d packages: %v", len(all), err)
	}
	return all
}

// TestLayout holds that the table of folders has every package.
func TestLayout(t *testing.T) {
	_, page, _ := strings.Cut(read(t, "docs/architecture.md"), "## Packages\n")
	page, _, _ = strings.Cut(page, "\n## ")
	for _, p := range packages(t) {
		if dir := filepath.ToSlash(p.Dir); dir != "." && !strings.Contains(page, "`"+dir+"`") {
			t.Errorf("docs/architecture.md does not say what %s is for", dir)
		}
	}
}

// TestRequests holds the table of what is sent to what may be.
func TestRequests(t *testing.T) {
	type request struct {
		CLI bool `yaml:"x-cli"` // it is the platform's own clients'
	}
	var contract struct {
		Paths map[string]struct{ Get, Put, Post, Patch, Delete *request }
	}
	if err := yaml.Unmarshal([]byte(read(t, "internal/simulator/contract.yaml")), &contract); err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for at, methods := range contract.Paths {
		for method, request := range map[string]*request{"GET": methods.Get, "PUT": methods.Put, "POST": methods.Post, "PATCH": methods.Patch, "DELETE": methods.Delete} {
			if request != nil && !request.CLI {
				want = append(want, method+" "+at)
			}
		}
	}
	for _, m := range regexp.MustCompile("`([A-Z]+ /[^`]+)`").FindAllStringSubmatch(read(t, "docs/security.md"), -1) {
		got = append(got, m[1])
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("docs/security.md has the requests %q, the contract %q", got, want)
	}
}

// TestSettingsSent holds that the contract has every setting that is sent, and no
// other: the simulator's handler reads requests by the client's own types, which
// would not find a field that is misspelled.
func TestSettingsSent(t *testing.T) {
	var contract struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					CLI bool `yaml:"x-cli"` // the platform's own CLI sends it, and this client does not
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "internal/simulator/contract.yaml")), &contract); err != nil {
		t.Fatal(err)
	}
	for schema, request := range map[string]reflect.Type{
		"UpdateServiceRequest": reflect.TypeFor[pipecat.UpdateRequest](),
		"CreateServiceRequest": reflect.TypeFor[pipecat.CreateRequest](),
	} {
		var sent []string
		for _, field := range reflect.VisibleFields(request) {
			if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
				sent = append(sent, name)
			}
		}
		var want []string
		for name, p := range contract.Components.Schemas[schema].Properties {
			if !p.CLI {
				want = append(want, name)
			}
		}
		slices.Sort(sent)
		slices.Sort(want)
		if !slices.Equal(sent, want) {
			t.Errorf("%s: the client sends %q, the contract has %q", schema, sent, want)
		}
	}
}

// TestLinks holds that what the pages link to in this repository is there.
func TestLinks(t *testing.T) {
	pages := prose(t)
	fences := regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	links := regexp.MustCompile(`(?:\]\(|\b(?:src|srcset|href)=")([^)"\s]+)[)"]`)
	for page, text := range pages {
		for _, m := range links.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			to := page
			if file != "" {
				to = path.Join(path.Dir(page), file)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: %s is not there", page, m[1])
			}
			if anchor != "" && !slices.Contains(anchors(pages[to]), anchor) {
				t.Errorf("%s: %s is no heading", page, m[1])
			}
		}
	}
}

// anchors are those that GitHub gives a page's headings.
func anchors(page string) (all []string) {
	other := regexp.MustCompile(`[^\pL\d _-]`)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		all = append(all, strings.ReplaceAll(other.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return all
}

// ours reports whether a step uses this action.
func ours(uses string) bool {
	return strings.HasPrefix(uses, version.Repository+"@") || strings.HasPrefix(uses, version.Repository+"/setup@")
}

// checkWorkflow holds the steps of a workflow that use this action to its table
// of inputs, and what is read of them to its table of outputs.
func checkWorkflow(t *testing.T, file, text string) {
	t.Helper()
	var workflow struct {
		Permissions *map[string]string
		Jobs        map[string]struct {
			Uses  string
			Steps []struct {
				ID, Uses, Run string
				With          map[string]any
			}
		}
	}
	if err := yaml.Unmarshal([]byte(text), &workflow); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if workflow.Permissions == nil {
		t.Errorf("%s: it has no permissions", file)
	}
	used := false
	for _, job := range workflow.Jobs {
		used = used || strings.Contains(job.Uses, "deploy-agent.yml")
		for _, step := range job.Steps {
			if strings.Contains(step.Run, "${{") {
				t.Errorf("%s: a script has ${{ in it; pass it by env", file)
			}
			if !ours(step.Uses) {
				continue
			}
			used = true
			if step.With["api-key"] == nil {
				t.Errorf("%s: a step has no api-key", file)
			}
			for name := range step.With {
				known := func(in config.Input) bool { return in.Name == name && !in.Retired }
				if !slices.ContainsFunc(config.Table(), known) {
					t.Errorf("%s: there is no input %s", file, name)
				}
			}
			for _, read := range regexp.MustCompile(`steps\.`+step.ID+`\.outputs\.([\w-]+)`).FindAllStringSubmatch(text, -1) {
				if !slices.ContainsFunc(summary.OutputTable(), func(o summary.OutputRow) bool { return o.Name == read[1] }) {
					t.Errorf("%s: there is no output %s", file, read[1])
				}
			}
		}
	}
	if !used {
		t.Errorf("%s: it deploys nothing", file)
	}
}

// prose is every page that people read, by its name.
func prose(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		for _, file := range glob(t, pattern) {
			pages[filepath.ToSlash(file)] = read(t, file)
		}
	}
	return pages
}

// glob is the files of a pattern, of which there must be some.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	inRoot()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no %s: %v", pattern, err)
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	inRoot()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// actionYAML is the inputs and outputs of an action; output is the row of one.
func actionYAML(output func(summary.OutputRow) string) string {
	var b strings.Builder
	for _, in := range config.Table() {
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
	for _, o := range summary.OutputTable() {
		b.WriteString(output(o))
	}
	b.WriteString("\n")
	return b.String()
}

func containerOutput(o summary.OutputRow) string {
	return fmt.Sprintf("  %s:\n    description: %s\n", o.Name, strconv.Quote(o.Text))
}

// setupOutput is that of the composite action, which passes on its step's.
func setupOutput(o summary.OutputRow) string {
	return containerOutput(o) + fmt.Sprintf("    value: ${{ steps.deploy.outputs.%s }}\n", o.Name)
}

// setupEnv is how the composite action passes its inputs on: by the variables that
// the runner sets for a container.
func setupEnv() string {
	var b strings.Builder
	for _, in := range config.Table() {
		fmt.Fprintf(&b, "        INPUT_%s: ${{ inputs.%s }}\n", strings.ToUpper(in.Name), in.Name)
	}
	return b.String()
}

func inputsTable() string {
	var tables strings.Builder
	var rows [][]string
	end := func() {
		if rows != nil {
			tables.WriteString("\n" + table([]string{"Input", "Default", "Meaning"}, rows))
		}
		rows = nil
	}
	for _, in := range config.Table() {
		if in.Group != "" {
			end()
			tables.WriteString("\n**" + in.Group + "**\n")
		}
		byDefault := ""
		switch {
		case in.Required:
			byDefault = "required"
		case in.Default != "":
			byDefault = "`" + in.Default + "`"
		}
		rows = append(rows, []string{"`" + in.Name + "`", byDefault, in.Text})
	}
	end()
	return tables.String() + "\n"
}

func outputsTable() string {
	var rows [][]string
	for _, o := range summary.OutputTable() {
		rows = append(rows, []string{"`" + o.Name + "`", o.Text})
	}
	return table([]string{"Output", "Meaning"}, rows)
}

func statusRows() (rows [][]string) {
	for _, s := range summary.StatusTexts() {
		rows = append(rows, []string{"`" + s.Word + "`", fmt.Sprint(verdict.Status(s.Word).ExitCode()), s.Text})
	}
	return rows
}

func reasonRows() (rows [][]string) {
	for _, r := range summary.ReasonTexts() {
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
