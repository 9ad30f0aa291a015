/// The style of `report.html`.
enum ReportStyle {
    static let css = """
        :root{color-scheme:light dark;--page:#fff;--ink:#1c2128;--quiet:#59636e;--rule:#d9dee4;--soft:#f4f6f8;\
        --served:#0b62d6;--student:#5a8fd8;--teacher:#b35900;--other:#6e7781;--good:#1a7f37;--bad:#cf222e}
        @media(prefers-color-scheme:dark){:root{--page:#14181d;--ink:#e4e8ec;--quiet:#9aa4af;--rule:#343b44;\
        --soft:#1d2229;--served:#58a6ff;--student:#8bb8ee;--teacher:#f0a050;--other:#9aa4af;\
        --good:#4cc06a;--bad:#ff7b72}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",\
        Roboto,"DejaVu Sans",sans-serif}
        main{max-width:54rem;margin:0 auto;padding:1.5rem 1rem 4rem}
        h1{font-size:1rem;font-weight:600;color:var(--quiet);margin:0 0 .75rem}
        h2{font-size:1.2rem;margin:2.75rem 0 .5rem}
        .headline{font-size:1.5rem;line-height:1.35;font-weight:600;margin:0 0 1rem}
        p,li{max-width:42rem}
        .quiet,figcaption{color:var(--quiet);font-size:.9rem}
        figure{margin:1rem 0}
        svg{display:block;width:100%;max-width:36rem;height:auto}
        .key{columns:2 13rem;max-width:36rem;margin:.25rem 0 .75rem;padding-left:2.5rem;font-size:.9rem}
        .key li::marker{font-weight:600;color:var(--other)}.key .served{font-weight:600}
        .key .served::marker{color:var(--served)}.key .student::marker{color:var(--student)}\
        .key .teacher::marker{color:var(--teacher)}
        .pair{display:flex;flex-wrap:wrap;gap:1rem}
        .pair figure{flex:1 1 15rem;max-width:21rem;margin:0}
        .scroll{overflow-x:auto;margin:.5rem 0 1rem}
        table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
        th,td{text-align:left;padding:.45rem .9rem .45rem 0;border-bottom:1px solid var(--rule);vertical-align:top}
        thead th{color:var(--quiet);font-weight:600;vertical-align:bottom;white-space:normal!important}
        tbody th{font-weight:600}
        td.n,th.n{text-align:right;white-space:nowrap}
        tbody th{min-width:9.5rem}
        td>small{white-space:nowrap}
        small{display:block;color:var(--quiet);font-weight:400;font-size:.85em}
        tr.chosen th{color:var(--served)}
        .better{color:var(--good)}.worse{color:var(--bad)}
        code{font-size:.9em;overflow-wrap:anywhere}
        td code{white-space:nowrap}
        dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.2rem;font-size:.95rem}
        dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}
        svg text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--ink)}
        svg .tick,svg .title{fill:var(--quiet)}
        svg .name{font-weight:600}
        svg .name,svg .tick{paint-order:stroke;stroke:var(--page);stroke-width:4px;stroke-linejoin:round}
        svg .grid{stroke:var(--rule);stroke-width:1}
        svg .reference{stroke:var(--teacher);stroke-width:1.2;stroke-dasharray:4 4}
        svg .leader{stroke:var(--quiet);stroke-width:1}
        svg g{color:var(--other)}svg g.served{color:var(--served)}svg g.student{color:var(--student)}\
        svg g.teacher{color:var(--teacher)}
        svg g .bar{stroke:currentColor;stroke-width:1.6}
        svg g .curve{fill:none;stroke:currentColor;stroke-width:1.8}
        svg g circle{fill:currentColor;fill-opacity:.85;stroke:var(--page);stroke-width:1}
        @media(max-width:34rem){.headline{font-size:1.25rem}dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 .6rem}}
        @media print{:root{--page:#fff;--ink:#000}}
        """
}
