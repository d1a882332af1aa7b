package diagnosis

import (
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"

	"pipecat-cloud-deploy/internal/verdict"
)

// BenchmarkDiagnose reads texts as long as they count, and one of 2 MiB of which only
// the end does.
func BenchmarkDiagnose(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(100)) // as in the program
	workspace := fstest.MapFS{"bot.py": {Data: []byte(code)}}
	for name, part := range map[string]string{
		"tracebacks": text("/app/bot.py", 3, "<module>", `open("menu.json")`),
		"log":        "2025-11-03 09:14:02.511 | INFO     | pipecat.pipeline:run:88 - frame 12\n",
		"json":       `{"level": "info", "ts": 1762161242.5, "msg": "frame 12", "session": "a1"}` + "\n",
		"words":      "so it goes, and continues\n",
		"errors":     "ERROR: no such voice\n",
	} {
		b.Run(name, func(b *testing.B) { benchmark(b, strings.Repeat(part, maxText/len(part)), workspace) })
	}
	b.Run("build", func(b *testing.B) {
		b.ReportAllocs()
		var log strings.Builder
		for i := 0; log.Len() < maxText; i++ {
			fmt.Fprintf(&log, "#9 %d.1 Collecting package-%d\n#9 %d.2   compiling a%d.c with its options\n", i, i, i, i)
		}
		log.WriteString("#9 9999.1 E: Unable to locate package sox9\n")
		for b.Loop() {
			Diagnose(crash{Text: log.String(), Reason: verdict.Build}.facts(), workspace)
		}
	})
	b.Run("2MiB", func(b *testing.B) { benchmark(b, strings.Repeat("so it goes\n", 2<<20/11), workspace) })
}

func benchmark(b *testing.B, text string, workspace fstest.MapFS) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		Diagnose(crash{Text: text}.facts(), workspace)
	}
}
