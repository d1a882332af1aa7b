package dockerfile

import (
	"fmt"
	"strings"
	"testing"
)

// TestSources reads Dockerfiles. What is wanted is LINE:INSTRUCTION:PATH of each
// source, with ~ after a pattern, and ^ after a path that leads out of the context.
func TestSources(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"none", "FROM x", ""},
		{"files and folders", "FROM x\nCOPY a.txt b/c ./d/ /e/\nCOPY . .\ncopy / /app", "2:COPY:a.txt 2:COPY:b/c 2:COPY:d 3:COPY:. 4:COPY:."},
		{"a list", `FROM x` + "\n" + `COPY ["a b", "c", "/"]`, "2:COPY:a_b 2:COPY:c"},
		{"quotes and escapes", "FROM x\nCOPY \"a\" 'b' c\\d e/", "2:COPY:a 2:COPY:b 2:COPY:cd"},
		{"lines that go on", "FROM x\n# c\nRUN a \\\n # c\n b\nCOPY --chown=a:b --chmod=755 \\\n  a \\\n  /", "6:COPY:a"},
		{"another escape", "# escape=`\nFROM x\nCOPY a `\n  /", "3:COPY:a"},
		{"lower case, and tabs", "from x\n\tcopy\ta\t/", "2:COPY:a"},
		{"carriage returns", "FROM x\r\nCOPY a /\r\n", "2:COPY:a"},
		{"a byte order mark", "\ufeffFROM x\nCOPY a /", "2:COPY:a"},
		{"other flags", "FROM x\nCOPY --link --exclude=*.md a /\nCOPY --parents b/./c /", "2:COPY:a 3:COPY:b/c"},
		{"patterns", "FROM x\nCOPY *.py a/?.txt b[0-9] /\nCOPY --parents **/x /", "2:COPY:*.py~ 2:COPY:a/?.txt~ 2:COPY:b[0-9]~ 3:COPY:?~"},
		{"a trick against a pattern", `FROM x` + "\n" + `COPY a[[]0] /`, "2:COPY:a[[]0]~"},
		{"an escaped star", `FROM x` + "\n" + `COPY a\\*b /`, `2:COPY:a\*b`},
		{"above", "FROM x\nCOPY ../a b/../../c /../d b/../e /", "2:COPY:a^ 2:COPY:c^ 2:COPY:d^ 2:COPY:e"},
		{"heredocs", "FROM x\nCOPY <<EOF <<-\"E2\" a /\nCOPY b /\nEOF\nCOPY c /\nE2\nRUN <<EOF\nCOPY d /\nEOF\nCOPY e /", "2:COPY:a 10:COPY:e"},
		{"remote", "FROM x\nADD https://example.com/a http://x/b git@github.com:a/b.git git://x/y ssh://a/b.git c.tar /\nADD --checksum=sha256:0 https://x/y /", "2:ADD:c.tar"},
		{"remote, with a variable", "FROM x\nARG V\nADD https://example.com/$V/a /", ""},
		{"other stages and images", "FROM x AS Build\nFROM y\nCOPY --from=build a /\nCOPY --from=0 b /\nCOPY --from=nginx:1 c /\nCOPY d /", "6:COPY:d"},
		{"a stage that is needed", "FROM x AS a\nCOPY a /\nFROM x AS b\nCOPY b /\nFROM x AS c\nCOPY c /\nFROM x AS d\nCOPY d /\nFROM A\nCOPY --from=B /x /\nRUN --mount=from=c x\nCOPY e /", "2:COPY:a 4:COPY:b 6:COPY:c 12:COPY:e"},
		{"a stage that is not", "FROM x AS base\nCOPY a /\nFROM base AS test\nCOPY tests /\nFROM base\nCOPY b /", "2:COPY:a 6:COPY:b"},
		{"a stage by number, and what that needs", "FROM x AS a\nCOPY a /\nFROM a\nCOPY b /\nFROM x\nCOPY --from=1 /x /\nCOPY --from=7 /x /", "2:COPY:a 4:COPY:b"},
		{"a stage by a variable", "ARG B=base\nFROM x AS base\nCOPY a /\nFROM ${B}\nCOPY b /", "3:COPY:a 5:COPY:b"},
		{"mounts", "FROM x\nRUN --mount=type=bind,source=a,target=/a --mount=src=./b/,dst=/b,rw --mount=type=bind,target=/c x", "2:RUN:a 2:RUN:b 2:RUN:."},
		{"other mounts", "FROM x AS b\nFROM x\nRUN --mount=type=cache,source=a,target=/a --mount=type=secret,id=b --mount=type=tmpfs,target=/c --mount=type=ssh --mount=type=bind,from=b,source=d,target=/d --mount=from=img,source=e,target=/e x", ""},
		{"a mount by a variable", "FROM x\nENV D=a\nRUN --mount=type=bind,source=$D,target=/a x\nRUN --mount=type=bind,source=$E,target=/b x", "3:RUN:a 4:RUN:?"},
		{"variables that the file sets", "FROM x\nARG A=a B=$A/b\nENV C=c D=${A}d\nCOPY $A ${B} $C/x $D ${A:-z} /", "4:COPY:a 4:COPY:a/b 4:COPY:c/x 4:COPY:ad 4:COPY:a"},
		{"variables that it does not", "FROM x\nARG A\nENV B=$BASE\nCOPY $A $B ${C:-c} x$D e /", "4:COPY:? 4:COPY:? 4:COPY:? 4:COPY:? 4:COPY:e"},
		{"variables that the builder sets", "FROM x\nARG TARGETARCH=amd64 BUILDPLATFORM=a HTTP_PROXY=b\nCOPY bin/$TARGETARCH $BUILDPLATFORM $HTTP_PROXY /", "3:COPY:? 3:COPY:? 3:COPY:?"},
		{"an argument before the stages", "ARG A=a\nFROM x\nCOPY $A /\nARG A\nCOPY $A /", "3:COPY:? 5:COPY:a"},
		{"variables of a stage before", "FROM x AS a\nENV A=a\nFROM y AS b\nCOPY $A /\nFROM a\nCOPY $A /\nCOPY --from=b / /", "4:COPY:? 6:COPY:a"},
		{"variables of one instruction", "FROM x\nENV A=a\nENV A=b B=$A\nCOPY $A $B /", "4:COPY:b 4:COPY:a"},
		{"a literal sign", "FROM x\nCOPY \\$A /", "2:COPY:$A"},
		{"a comment behind an instruction", "FROM x\nCOPY a . # the b\nCOPY #a /\nCOPY [\"#b\", \"c\", \"/\"]", "2:COPY:a 2:COPY:. 2:COPY:# 3:COPY:#a 4:COPY:#b 4:COPY:c"},
		{"triggers of other builds", "FROM x\nONBUILD COPY a /\nCOPY b /", "3:COPY:b"},
		{"triggers of a stage before", "FROM x AS s\nONBUILD ARG A=a\nONBUILD COPY $A c /\nFROM s AS t\nCOPY b /\nFROM s\nCOPY --from=t / /", "3:COPY:a 3:COPY:c 5:COPY:b"},
		{"triggers that need a stage", "FROM x AS u\nCOPY a /\nFROM x AS s\nONBUILD COPY --from=u /a /\nONBUILD RUN --mount=source=c,target=/c x\nFROM s", "2:COPY:a 5:RUN:c"},
		{"a trigger of no stage here", "FROM x AS s\nONBUILD COPY a\nONBUILD COPY <<E /\nE\nCOPY b /", "5:COPY:b"},
		{"docker's own syntax", "# syntax=docker/dockerfile:1.7-labs\nFROM x\nCOPY a /", "3:COPY:a"},
		{"lines that only begin to go on", "FROM x\nRUN a\\\\\nCOPY b /", "3:COPY:b"},
		{"an escape alone on a line", "\\\nFROM x\n\\\n\nCOPY a /", "3:COPY:a"},
		{"the end within a line", "FROM x\nCOPY a / \\", "2:COPY:a"},
		{"quoted flags", "FROM x\nCOPY --chown=\"$U:$G\" --chmod='755' a /\nRUN --mount=\"type=bind,src=b\" x", "2:COPY:a 3:RUN:b"},
		{"the end of flags", "FROM x\nCOPY -- --a /", "2:COPY:--a"},
		{"flags of the other kinds", "FROM --platform=$BUILDPLATFORM x\nADD --unpack --keep-git-dir=FALSE a /\nRUN --network=none --security=insecure --device=x echo\nHEALTHCHECK --interval=5s CMD x", "2:ADD:a"},
		{"each instruction", "FROM x\nMAINTAINER a\nLABEL a=\"b\"\nCMD\nENTRYPOINT [\"a\"]\nEXPOSE 1\nVOLUME [\"/a\"]\nUSER a\nWORKDIR /a\nSTOPSIGNAL 9\nSHELL [\"a\"]\nCOPY a /", "12:COPY:a"},
		{"brackets that make no list", "FROM x\nRUN [ -f a ]\nCMD [a]\nCOPY [a] [b /", "4:COPY:[a]~ 4:COPY:[b~"},
		{"no heredocs", "FROM x\nRUN cat <<< a && echo '<<A' \"b <<B\" $((1<<2)) \\<<C\nCMD <<D\nRUN [\"<<E\"]\nCOPY a /", "5:COPY:a"},
		{"heredocs after others' quotes", "FROM x\nRUN echo \"<<A\" ${B:-b} 3<<-'C.c'\nCOPY b /\n\tC.c\nONBUILD RUN <<D\nCOPY c /\nD\nCOPY a /", "8:COPY:a"},
		{"defaults and others", "FROM x\nARG A=a E=\nCOPY ${A-q} ${A:+b} ${A+c} ${E:-d} ${E-e}f x${E:+g} ${A:-${B}} ${E:-\"h}\"} /", "3:COPY:a 3:COPY:b 3:COPY:c 3:COPY:d 3:COPY:f 3:COPY:x 3:COPY:? 3:COPY:h}"},
		{"parts of values", "FROM x\nARG A=a\nENV B=\"${A%.*}\" C=${A##*/} D=${A/x/y} E=${A:?no} F=$1\nCOPY $A ${A#a}b $B $C $D $E $F c$ $/ /", "4:COPY:a 4:COPY:? 4:COPY:? 4:COPY:? 4:COPY:? 4:COPY:? 4:COPY:? 4:COPY:c$ 4:COPY:$"},
		{"ENV in its old form", "FROM x\nENV A  a b\nENV B \"c\"\nCOPY $A/x $B /", "4:COPY:a_b/x 4:COPY:c"},
		{"words with blanks", "FROM x\nENV A=\"a b\" B=c\\ d C='e $A'\nCOPY $A $B $C \"$B\" /", "3:COPY:a_b 3:COPY:c_d 3:COPY:e_$A 3:COPY:c_d"},
		{"a stage that depends on the platform", "FROM x AS b-\nCOPY a /\nFROM b-$TARGETARCH\nCOPY b /", "4:COPY:b"},
		{"a mount that depends on the platform", "FROM x\nARG T=bind\nRUN --mount=type=$U,source=a x\nRUN --mount=source=b,target=$U x\nRUN --mount=source=c,target=$T x", "4:RUN:? 5:RUN:c"},
		{"comments that look like directives", "# a comment\n# syntax=acme/frontend\n# escape=`\nFROM x\nCOPY a \\\n /", "5:COPY:a"},
		{"directives together", "# check=skip=all\n# Escape = `\n#syntax=docker/dockerfile:1\nFROM x\nCOPY c:\\a `\n /", "5:COPY:c:\\a"},
		{"docker's own syntax, in full", "#syntax=docker.io/docker/dockerfile@sha256:0\nFROM x\nCOPY a /", "3:COPY:a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, ok := Sources([]byte(tt.text))
			var got []string
			for _, s := range all {
				path := strings.ReplaceAll(s.Path, " ", "_")
				if path == "" {
					path = "?"
				}
				if s.Pattern {
					path += "~"
				}
				if s.Above {
					path += "^"
				}
				got = append(got, fmt.Sprintf("%d:%s:%s", s.Line, s.Instruction, path))
			}
			if s := strings.Join(got, " "); s != tt.want || !ok {
				t.Errorf("takes %q, %v\nwant  %q", s, ok, tt.want)
			}
		})
	}
}

// TestWritten holds that a source is shown as it is written.
func TestWritten(t *testing.T) {
	all, _ := Sources([]byte("FROM x\nENV A=a\nCOPY ./$A/ ../b /\nRUN --mount=type=bind,source=./c,target=/c x"))
	var got []string
	for _, s := range all {
		got = append(got, s.Written)
	}
	if s := strings.Join(got, " "); s != "./$A/ ../b ./c" {
		t.Error(s)
	}
}

// TestNotUnderstood holds that nothing is said of what the builder would refuse, or
// another one reads.
func TestNotUnderstood(t *testing.T) {
	for _, text := range []string{
		"", "# nothing\n", "COPY a /", "FROM x\nCOPPY a /\nCOPY b /", "FROM x\nCOPY a", "FROM x\nCOPY --form=b a /", "FROM x\nCOPY <<EOF /\nno end", "FROM a b\nCOPY a /",
		"FROM x\nCOPY b /\nCOPY ${ /", "FROM x\nCOPY b /\nRUN --mount=type=bond x", "FROM x\nRUN --mount=type=bind,sauce=a x\nCOPY b /", "# syntax=acme/frontend:1\nFROM x\nCOPY a /",
		"FROM x\nCOPY a /\nRUN " + strings.Repeat("x", 70_000), "FROM x\nENV A=a\n" + strings.Repeat("ENV A=$A$A\n", 20) + "COPY a /", "ARG A=a", "FROM x AS 1\nCOPY a /", "FROM x\nONBUILD ONBUILD RUN x\nCOPY a /", "FROM x\nSHELL sh\nCOPY a /", "FROM x\nCOPY a /\nUSER",
		"#!/usr/bin/env x\n# syntax=acme/frontend:1\nFROM x\nCOPY a /", "# escape=x\nFROM x\nCOPY a /", "# escape=`\n# escape=`\nFROM x\nCOPY a /", "// syntax=acme/frontend\nFROM x\nCOPY a /",
		"FROM x\nCOPY [\"a\", 1]\nCOPY b /", "FROM x\nCOPY [\"\\u0000\", \"/\"]", "FROM x\nCOPY [\"<<A\", \"/\"]", "FROM x\nCOPY a\u00a0b /", "FROM x\nCOPY a\xff /", "FROM x\nCOPY a\x00 /", "\\\n\n  \nFROM x\n\\\n",
		"FROM x\nCOPY --link=perhaps a /", "FROM x\nCOPY --from a /", "FROM x\nCOPY --from=a --from=b a /", "FROM x\nCOPY --chown=\"a a /", "FROM x\nCOPY --chown=a\\ b a /", "FROM x\nCOPY --chown=é a /", "FROM x\nUSER --a b\nCOPY a /",
		"FROM x\nRUN << A\nCOPY a /\nA", "FROM x\nRUN <<A'B'\nCOPY a /\nAB", "FROM x\nRUN it's <<A\nCOPY a /\nA", "FROM x\nRUN ${A:-<<B} <<B\nCOPY a /\nB", "FROM x\nRUN a<< <<B\nCOPY a /\nB", "FROM x\nCOPY \"a <<B c\" /\nCOPY a /\nB", "FROM x\nCOPY a <<B\nB",
		"FROM x\nENV A\nCOPY a /", "FROM x\nENV A=b # c\nCOPY a /", "FROM x\nENV $A=b\nCOPY a /", "FROM x\nENV A=\"b\nCOPY a /", "FROM x\nARG\nCOPY a /", "FROM x\nCOPY 'a /", "FROM x\nCOPY ${} /", "FROM x\nCOPY ${A:b} /", "FROM x\nCOPY ${A /", "FROM x\nCOPY ${A:%b} /", "FROM x\nCOPY \"${A%b /",
		"FROM x AS s\nONBUILD COPY <<E /\nE\nFROM s\nCOPY a /", "FROM x AS s\nONBUILD COPY a\nFROM s\nCOPY a /", "FROM x\nCOPY --from=$A a /\nCOPY b /",
		"FROM x\nRUN --mount=type=bind,from=$A x\nCOPY a /", "FROM x\nRUN --mount=type=bind,size=1m x\nCOPY a /", "FROM x\nRUN --mount=type=bind,source x\nCOPY a /", "FROM x\nRUN --mount=ro=perhaps x\nCOPY a /", "FROM x\nRUN --mount=type=secret x\nCOPY a /", "FROM x\nRUN --mount=type=secret,id=a,from=b x\nCOPY a /", "FROM x\nRUN --mount=source=${ x\nCOPY a /",
	} {
		if all, ok := Sources([]byte(text)); ok || all != nil {
			t.Errorf("%.60q: takes %v", text, all)
		}
	}
}

// FuzzSources holds that no Dockerfile breaks the reader, and that paths stay in
// the context.
func FuzzSources(f *testing.F) {
	for _, text := range []string{
		"FROM x\nCOPY ../a $B c* /\n", "ARG A=b\nFROM $A AS b\nFROM b\nRUN --mount=type=bind,source=a,target=/a x\n", "#escape=`\nFROM x\nADD <<EOF /\nEOF\n", "FROM x\nENV A=${B:-c} D\nCOPY [\"a\", \"\\u0000\"]\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		all, _ := Sources(text)
		for _, s := range all {
			if strings.HasPrefix(s.Path, "/") || s.Path == ".." || strings.HasPrefix(s.Path, "../") || s.Line < 1 {
				t.Errorf("%+v", s)
			}
		}
	})
}
