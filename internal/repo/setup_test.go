package repo

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// machine is what a runner of some system has.
type machine struct {
	os, arch string
	tools    []string // beside bash
	program  string   // in the archive
	target   string   // of the archive
}

var (
	unixTools = []string{"dirname", "mktemp", "curl", "gzip", "tar", "rm", "env"}
	linux     = machine{"Linux", "X64", append(unixTools, "sha256sum"), "pipecat-cloud-deploy", "linux-amd64"}
	arm       = machine{"Linux", "ARM64", append(unixTools, "sha256sum"), "pipecat-cloud-deploy", "linux-arm64"}
	mac       = machine{"macOS", "ARM64", append(unixTools, "shasum"), "pipecat-cloud-deploy", "darwin-arm64"}
	intel     = machine{"macOS", "X64", append(unixTools, "shasum"), "pipecat-cloud-deploy", "darwin-amd64"}
	windows   = machine{"Windows", "X64", append(unixTools, "sha256sum"), "pipecat-cloud-deploy.exe", "windows-amd64"}
)

// TestSetup runs the composite action's script as the shells of the three systems
// do: with the tools that each has, and no other.
func TestSetup(t *testing.T) {
	for _, m := range []machine{linux, arm, mac, intel, windows} {
		t.Run(m.os+" "+m.arch, func(t *testing.T) {
			s := newSetup(t, m)
			s.release(t, s.archive(t))
			out, code := s.run(t)
			if code != 3 {
				t.Errorf("exit code %d, want the program's own, 3: %s", code, out)
			}
			for _, want := range []string{"key sk_setup\n", "exclude *.wav\n*.mp3\n", fmt.Sprintf("pid %d\n", s.pid), "in " + s.workspace + "\n"} {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
			if outputs := s.outputs(t); outputs != "" {
				t.Errorf("the script wrote outputs before the program did:\n%s", outputs)
			}
		})
	}
}

// TestSetupRefuses holds that nothing runs but what was released, and that whoever
// must act learns what to do.
func TestSetupRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, says string
		machine    machine
		spoil      func(*testing.T, *setup)
	}{
		{"no release", "This commit is not a release", linux, func(t *testing.T, s *setup) {}},
		{"another program", "is not what was released", linux, func(t *testing.T, s *setup) {
			s.release(t, s.archive(t))
			write(t, s.file, "not the archive")
		}},
		{"another program, on macOS", "is not what was released", mac, func(t *testing.T, s *setup) {
			s.release(t, s.archive(t))
			write(t, s.file, "not the archive")
		}},
		{"no such file", "could not be downloaded from file:///", linux, func(t *testing.T, s *setup) {
			s.release(t, s.archive(t))
			if err := os.Remove(s.file); err != nil {
				t.Fatal(err)
			}
		}},
		{"an address that is not https", "could not be downloaded from http://", linux, func(t *testing.T, s *setup) {
			write(t, filepath.Join(s.action, "release"), strings.Repeat("0", 64)+"  http://127.0.0.1:1/x-linux-amd64.tar.gz\n")
		}},
		{"no archive", "could not be unpacked", linux, func(t *testing.T, s *setup) { s.release(t, []byte("no archive")) }},
		{"no program for it", "has no program for linux-amd64", linux, func(t *testing.T, s *setup) {
			write(t, filepath.Join(s.action, "release"), strings.Repeat("0", 64)+"  https://127.0.0.1:1/x-linux-arm64.tar.gz\n")
		}},
		{"an architecture that is not there", "Linux on RISCV", machine{os: "Linux", arch: "RISCV", tools: linux.tools}, func(t *testing.T, s *setup) {}},
		{"no runner", "no RUNNER_OS on no RUNNER_ARCH", machine{tools: linux.tools}, func(t *testing.T, s *setup) {}},
		{"no curl", "has no curl", machine{"Linux", "X64", []string{"dirname", "gzip", "tar"}, "", "linux-amd64"}, func(t *testing.T, s *setup) {
			s.release(t, s.archive(t))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetup(t, tt.machine)
			tt.spoil(t, s)
			out, code := s.run(t)
			if code != 1 || !strings.Contains(out, "::error title=Pipecat Cloud Deploy::") || !strings.Contains(out, tt.says) {
				t.Errorf("exit code %d, want 1 and an annotation that says %q:\n%s", code, tt.says, out)
			}
			if strings.Contains(out, "key sk_setup") {
				t.Error("the program ran")
			}
			outputs := s.outputs(t)
			if head := "status=failed\nchanged=false\nfailure-reason=internal\nfailure-message="; !strings.HasPrefix(outputs, head) || !strings.Contains(outputs, tt.says) || strings.Count(outputs, "\n") != 4 {
				t.Errorf("outputs:\n%s\nwant\n%s… and in it %q", outputs, head, tt.says)
			}
		})
	}
}

// TestSetupIsForOldShells holds that the script has nothing that macOS's bash 3.2
// lacks.
func TestSetupIsForOldShells(t *testing.T) {
	newer := regexp.MustCompile(`\b(mapfile|readarray|coproc|declare -[An]|local -n)\b|\$\{[^}]*(,,|\^\^|@[A-Z])|&>>|\|&|EPOCH|wait -n|-v \w+ \]|\$\{\w+: -`)
	for i, line := range strings.Split(read(t, "setup/run.sh"), "\n") {
		if newer.MatchString(line) {
			t.Errorf("setup/run.sh:%d: bash 3.2 has no %q", i+1, newer.FindString(line))
		}
	}
	for _, line := range []string{"mapfile -t x", "echo ${x,,}", "make |& tee", "echo ${x@Q}"} {
		if !newer.MatchString(line) {
			t.Errorf("%q is not found", line)
		}
	}
}

// setup is a copy of the composite action on a machine.
type setup struct {
	machine                 machine
	action, bin, temp, file string
	bash                    string // the real one, which programs may need
	workspace               string
	output                  string // file of the step's outputs
	pid                     int
}

func newSetup(t *testing.T, m machine) *setup {
	t.Helper()
	dir := t.TempDir()
	s := &setup{machine: m}
	for _, d := range []struct {
		to   *string
		name string
	}{{&s.action, "action of ours"}, {&s.bin, "bin"}, {&s.temp, "temp of it"}, {&s.workspace, "workspace"}} {
		*d.to = filepath.Join(dir, d.name)
		if err := os.Mkdir(*d.to, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.output = filepath.Join(dir, "outputs")
	write(t, s.output, "")
	s.file = filepath.Join(dir, "pipecat-cloud-deploy-"+m.target+".tar.gz")
	write(t, filepath.Join(s.action, "run.sh"), read(t, "setup/run.sh"))
	for _, tool := range append([]string{"bash"}, m.tools...) {
		if tool == "shasum" { // as macOS has it
			sum, err := exec.LookPath("sha256sum")
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(s.bin, tool), "#!/bin/sh\n[ \"$1 $2\" = '-a 256' ] && exec "+sum+"\n")
			continue
		}
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if tool == "bash" {
			s.bash = path
		}
		if err := os.Symlink(path, filepath.Join(s.bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// archive has a program that prints what reaches it.
func (s *setup) archive(t *testing.T) []byte {
	t.Helper()
	program := "#!" + s.bash + "\nPATH=/usr/bin:/bin\nenv | grep -A1 '^INPUT_' | sed -e 's/^INPUT_API-KEY=/key /' -e 's/^INPUT_BUILD-EXCLUDE=/exclude /'\necho pid $$\necho in $PWD\nexit 3\n"
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: s.machine.program, Mode: 0o755, Size: int64(len(program))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(program)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	z.Close()
	return b.Bytes()
}

// release puts an archive where the file of the release's commit says.
func (s *setup) release(t *testing.T, archive []byte) {
	t.Helper()
	write(t, s.file, string(archive))
	write(t, filepath.Join(s.action, "release"), fmt.Sprintf("%s  https://127.0.0.1:1/pipecat-cloud-deploy-other.tar.gz\n%x  file://%s\n", strings.Repeat("0", 64), sha256.Sum256(archive), s.file))
}

// outputs are those that the step has.
func (s *setup) outputs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(s.output)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// run is what the composite action's step does; it returns output and exit code.
func (s *setup) run(t *testing.T) (string, int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(s.bin, "bash"), "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", `exec bash "$GITHUB_ACTION_PATH/run.sh"`)
	cmd.Dir = s.workspace
	cmd.Env = []string{"PATH=" + s.bin, "GITHUB_ACTION_PATH=" + s.action, "RUNNER_OS=" + s.machine.os, "RUNNER_ARCH=" + s.machine.arch, "RUNNER_TEMP=" + s.temp,
		"GITHUB_OUTPUT=" + s.output, "INPUT_API-KEY=sk_setup", "INPUT_BUILD-EXCLUDE=*.wav\n*.mp3", "INPUT_IMAGE="}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.pid = cmd.Process.Pid
	if err := cmd.Wait(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}
