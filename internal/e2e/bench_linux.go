package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Refusal measures the process as it ships, refusing bad inputs: its
// time, its peak memory, and its size. The peak is an upper bound: until it
// becomes the program, a child counts the memory of this test.
func Refusal(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "pipecat-cloud-deploy")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		b.Fatal(err)
	}
	var peak int64
	for b.Loop() {
		refusal := exec.Command(binary)
		refusal.Env = []string{"GITHUB_ACTIONS=true", "INPUT_AGENT-NAME=Bad_Name", "INPUT_IMAGE=untagged", "INPUT_MIN-AGENTS=ten"}
		_ = refusal.Run()
		if code := refusal.ProcessState.ExitCode(); code != 1 {
			b.Fatalf("exit code %d", code)
		}
		peak = max(peak, refusal.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	}
	b.ReportMetric(float64(peak)/1024, "MiB-peak")
	b.ReportMetric(float64(info.Size())/1e6, "MB-binary")
}
