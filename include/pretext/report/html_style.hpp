// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace pretext::report {

/// The style sheet of a report. Colours are Okabe and Ito's palette, told apart with any kind of colour vision; two of
/// them are a little darker on white, and three a little lighter on black, where they would be hard to see.
inline constexpr const char* html_style = R"css(
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1b1f24;--soft:#5b6470;--line:#e3e6ea;--grid:#eceef1;--panel:#f8f9fb;
--accent:#0072b2;--good:#009e73;--bad:#d55e00;--grey:#9aa3ad;--warn:#fff4e8;--stripe:#f8f9fb;
--p0:#0072b2;--p1:#d55e00;--p2:#009e73;--p3:#cc79a7;--p4:#e69f00;--p5:#56b4e9;--p6:#c9b60a;--p7:#3b3f45}
@media (prefers-color-scheme:dark){:root{--page:#0f1216;--card:#171b21;--ink:#e8ebef;--soft:#9ba5b1;--line:#2a3038;--grid:#242a32;--panel:#12161b;
--accent:#4aa8e0;--good:#1fbf91;--bad:#f07a2a;--grey:#6c7682;--warn:#2b2016;--stripe:#1b2027;
--p0:#2e8fd6;--p1:#e8701a;--p2:#12b487;--p3:#d98bb6;--p4:#e69f00;--p5:#7cc7f0;--p6:#f0e442;--p7:#c3c9d1}}
.c0{--c:var(--p0)}.c1{--c:var(--p1)}.c2{--c:var(--p2)}.c3{--c:var(--p3)}.c4{--c:var(--p4)}.c5{--c:var(--p5)}.c6{--c:var(--p6)}.c7{--c:var(--p7)}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Liberation Sans",Arial,sans-serif;
-webkit-print-color-adjust:exact;print-color-adjust:exact}
main,header,footer{max-width:1120px;margin:0 auto;padding:0 20px}
header{padding-top:36px}
h1{font-size:30px;line-height:1.2;margin:0;letter-spacing:-.015em;overflow-wrap:anywhere}
h2{font-size:20px;margin:38px 0 4px;letter-spacing:-.01em;overflow-wrap:anywhere}
h3{font-size:14px;font-weight:600;margin:0 0 10px;overflow-wrap:anywhere}
p{margin:4px 0 12px;color:var(--soft);max-width:76ch;overflow-wrap:anywhere}
.eyebrow{font-size:12px;letter-spacing:.09em;text-transform:uppercase;color:var(--accent);font-weight:600;margin:0 0 6px}
.head{display:flex;flex-wrap:wrap;align-items:center;gap:6px 14px}
.state{border:1px solid var(--line);background:var(--card);border-radius:99px;padding:2px 12px;font-size:13px;color:var(--soft)}
.sub{margin:8px 0 0}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:24px 0 0}
.fact{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px;min-width:0}
.fact span{display:block;font-size:13px;color:var(--soft)}
.fact b{display:block;font-size:26px;line-height:1.3;font-weight:650;letter-spacing:-.02em;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.warnings{border:1px solid var(--bad);border-left-width:5px;background:var(--warn);border-radius:8px;padding:12px 18px;margin:22px 0 0}
.warnings b{color:var(--bad)}.warnings ul{margin:4px 0 0;padding-left:20px}.warnings li{overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:16px;margin:12px 0 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;min-width:0;margin:0;break-inside:avoid}
.wide{grid-column:1/-1}
.legend{display:flex;flex-wrap:wrap;gap:3px 16px;font-size:13px;color:var(--soft);margin:-4px 0 8px;padding:0;list-style:none}
.legend li{display:flex;align-items:center;gap:6px;min-width:0;overflow-wrap:anywhere}
.legend svg{width:16px;height:12px;flex:none}
.card>svg,.map svg{display:block;width:100%;height:auto;overflow:visible}.map{max-width:740px;margin:0 auto}
svg text{font-size:12.5px;fill:var(--soft);font-family:inherit}
svg .mid{text-anchor:middle}svg .end{text-anchor:end}
svg .halo{paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
svg .strong{font-size:13.5px;font-weight:650;fill:var(--ink)}
svg .quiet{font-size:15px}
.axis path{stroke:var(--grid);fill:none}.axis .base{stroke:var(--grey)}
.line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.faint .line{stroke-width:1;opacity:.32}
.reference{fill:none;stroke:var(--soft);stroke-width:1.2;stroke-dasharray:5 4}
.leader{fill:none;stroke:var(--soft);stroke-width:1}
circle{fill:var(--c);stroke:var(--card);stroke-width:1.2}
circle.h{opacity:0}circle.h:hover{opacity:1}
.panel{fill:var(--panel);stroke:var(--line)}
.dots,.squares{fill:none;stroke:var(--c);stroke-width:5.6;stroke-linecap:round;stroke-opacity:.72}
.squares{stroke-width:5;stroke-linecap:square}
.outlines{fill:var(--c);fill-opacity:.72;stroke:none}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
th,td{padding:7px 12px;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--soft);font-size:13px;white-space:nowrap}
td.n,th.n{text-align:right;white-space:nowrap}
tbody tr:nth-child(even){background:var(--stripe)}tbody tr:last-child td{border-bottom:0}
tr.strong td{font-weight:650}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,290px),1fr));gap:0 32px;margin:0;font-size:14px}
dl div{display:flex;justify-content:space-between;gap:14px;border-bottom:1px solid var(--line);padding:6px 0;min-width:0}
dt{color:var(--soft);flex:none;max-width:55%;overflow-wrap:anywhere}dd{margin:0;text-align:right;overflow-wrap:anywhere;min-width:0;font-variant-numeric:tabular-nums}
.bars{display:grid;grid-template-columns:minmax(90px,max-content) minmax(60px,1fr) max-content;gap:9px 14px;align-items:center;font-size:14px}
.bars svg{width:100%;height:18px;display:block}
.bars span{overflow-wrap:anywhere;max-width:34ch}.bars b{font-weight:600;text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.bars .back{fill:var(--grid)}.bars .full{fill:var(--accent)}.bars .baseline{fill:var(--grey)}.bars .spread{stroke:var(--ink);stroke-width:1.6}
.bars .soft{color:var(--soft);font-weight:400}
.groups{display:flex;flex-wrap:wrap;gap:16px 30px}
.group{display:flex;gap:8px;flex-wrap:wrap;max-width:100%}
.image{margin:0;width:96px;flex:none;min-width:0}
.image svg{display:block;width:100%;height:auto;border-radius:4px;background:var(--grid)}
.image image{image-rendering:pixelated}
.image .smooth{image-rendering:auto}
.image rect{fill:none;vector-effect:non-scaling-stroke}.image .under{stroke:#fff;stroke-opacity:.85;stroke-width:4px}.image .box{stroke:var(--c);stroke-width:2.2px}
figcaption{font-size:12px;line-height:1.35;color:var(--soft);margin-top:4px;overflow-wrap:anywhere}
figcaption i{display:inline-block;width:9px;height:9px;border-radius:2px;background:var(--c);margin-right:5px}
.query{display:flex;gap:8px;padding:10px 0;border-bottom:1px solid var(--line);overflow-x:auto}
.query:last-child{border-bottom:0;padding-bottom:0}
.query .image{width:84px}.query .image:first-child{margin-right:14px}
.same svg{outline:3px solid var(--good);outline-offset:-1px}.other svg{outline:3px solid var(--bad);outline-offset:-1px}
.same figcaption b{color:var(--good)}.other figcaption b{color:var(--bad)}
.empty{color:var(--soft);font-style:italic;margin:0}
footer{padding-top:30px;padding-bottom:40px;font-size:13px;color:var(--soft)}
@media (max-width:620px){main,header,footer{padding-left:14px;padding-right:14px}header{padding-top:22px}h1{font-size:24px}
.card{padding:14px 12px}svg text{font-size:17px}svg .strong{font-size:18px}.facts{grid-template-columns:repeat(2,minmax(0,1fr))}.fact b{font-size:21px}
.image{width:80px}.query .image{width:68px}.bars{gap:9px 10px;font-size:13px}.bars span{max-width:15ch}}
@media print{:root{--page:#fff}body{font-size:12px}main,header,footer{max-width:none;padding-left:0;padding-right:0}header{padding-top:0}h2{break-after:avoid}
.cards{grid-template-columns:1fr 1fr}}
)css";

}  // namespace pretext::report
