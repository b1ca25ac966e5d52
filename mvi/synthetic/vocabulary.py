# SPDX-License-Identifier: MIT
"""Which tags a concept suggests, and how strongly: the dictionary of the imagined users.

A line gives a concept and, for each tag that it suggests, the probability that a user of average zeal writes
it under an image whose subject the concept is (`tags.py` says how probabilities combine). Synonyms are tags
of the same concept; a tag may stand at several. A line that ends with a comma goes on in the next. Tags are
written as the photo site normalises them: lower case, no blanks.
"""

# What can be seen: concepts of `concepts.py`.
SEEN = """
male          man .17, male .07, guy .07, boy .08, him .02, husband .012, me .04, selfportrait .03, men .03
female        girl .19, woman .13, female .05, girls .02, she .012, lady .03, women .03, wife .012,
    me .04, selfportrait .04, beauty .025, beautiful .04
portrait      portrait .38, face .15, eyes .11, smile .07, hair .05, headshot .02, look .02,
    expression .015, ritratto .02, retrato .025, person .03
people        people .13, person .025, candid .035, life .02, human .01
group         friends .17, people .16, family .1, fun .06, crowd .04, together .02
concert       concert .26, music .2, live .16, band .14, rock .08, stage .07, show .05, gig .05,
    party .12, dance .05, performance .04
baby          baby .46, child .2, kid .12, cute .14, newborn .07, kids .08, children .08, infant .04,
    toddler .04, son .04, daughter .04, bebé .02, family .1
dog           dog .5, puppy .16, pet .14, canine .06, animal .08, dogs .08, labrador .04, perro .04,
    cute .06, hund .02, chien .015
cat           cat .52, kitty .16, kitten .14, feline .08, pet .12, cats .08, gato .04, animal .06,
    cute .07, meow .03, katze .015
cow           cow .3, cows .16, farm .15, cattle .06, animals .07, bull .02
bird          bird .42, birds .2, wildlife .1, flight .05, flying .06, wings .06, animal .06, aves .025,
    ornithology .02, feathers .04
insect        butterfly .26, insect .2, bug .1, bee .14, wings .05, macro .15
animals       animal .07, animals .04, wildlife .02, nature .03
tree          tree .28, trees .2, leaves .06, árbol .015, branches .04, wood .03, nature .05, bark .012
palm          palm .22, palmtree .12, tropical .14, island .06
flower        flower .48, flowers .3, flor .05, flores .03, blossom .07, bloom .08, petals .06,
    garden .06, plant .06, flora .05, rose .05, daisy .05, nature .06, fleur .02, blume .012
grass         grass .11, green .06, field .05, meadow .03, nature .03
plant_life    nature .05, green .03, plant .015
building      building .2, architecture .2, buildings .13, windows .06, window .05, house .04, facade .03,
    urban .07, city .06
house         house .3, home .07, cottage .08, architecture .06, roof .05, old .05, farm .04, casa .02
bridge        bridge .45, puente .03, pont .02, architecture .06, arch .03
structures    architecture .02, old .015
skyline       city .25, skyline .2, buildings .14, skyscraper .1, downtown .1, urban .08, cityscape .1,
    architecture .1, tower .06
street        street .15, road .1, urban .06, city .06, traffic .03, asphalt .012
car           car .4, cars .13, auto .08, automobile .07, vehicle .05, classic .05, vintage .03,
    coche .02, drive .03, wheel .03, ford .03, bmw .025, volkswagen .03
bicycle       bicycle .3, bike .34, bici .03, cycling .08, wheel .04
boat          boat .38, boats .14, sail .1, sailing .1, ship .1, yacht .05, harbor .07, barco .03
plane         airplane .28, plane .26, aircraft .17, aviation .14, jet .08, flying .08, airport .05,
    flight .06
balloon       balloon .42, hotairballoon .2, balloons .12, flying .06, festival .05
food          food .46, dinner .12, lunch .1, delicious .08, yummy .09, restaurant .06, cooking .05,
    eat .05, comida .03, dessert .06, fruit .07, cake .06, pizza .05, tasty .03
sky           sky .24, blue .05, cielo .03, heaven .012, ciel .01
clouds        clouds .4, cloud .16, cloudy .08, sky .14, weather .03, nubes .02, nuages .015, storm .04
sunset        sunset .55, sun .17, dusk .08, sunrise .1, evening .06, orange .08, silhouette .1, sky .12,
    dawn .04, atardecer .03, puestadesol .02, twilight .03, golden .02
night         night .4, lights .14, light .08, longexposure .1, dark .07, nightshot .04, noche .03,
    nuit .02, moon .04, stars .03
fog           fog .34, mist .24, foggy .08, misty .06, morning .07, mood .05, grey .05
snow          snow .42, winter .24, white .09, cold .1, ice .06, nieve .02, frost .03
indoor        home .035, room .025, interior .025, inside .015, flash .02, house .02
sea           sea .34, ocean .24, water .16, waves .14, mar .04, coast .09, seascape .06, wave .06,
    blue .05, mer .02, seaside .03
shore         beach .44, sand .16, playa .05, shore .06, summer .09, plage .02, surf .05, coast .04
lake          lake .36, reflection .2, water .2, reflections .1, lago .04, calm .04, pond .05, see .012
river         river .34, water .2, stream .06, río .02, rivière .01, reflection .05, bank .02, canal .06
water         water .1, agua .012
field         field .16, fields .07, wheat .06, farm .07, harvest .04, countryside .08, yellow .05
rock          rocks .12, rock .09, stone .06, desert .06
mountains     mountain .26, mountains .28, landscape .12, hiking .09, alps .05, peak .04, montaña .02,
    nature .07, trekking .02
hills         hills .1, landscape .09, hill .05, valley .04
forest        forest .38, woods .16, trees .2, wood .08, nature .15, path .06, green .1, bosque .03,
    trail .04, wald .02
wall          wall .24, graffiti .36, streetart .16, bricks .09, art .12, stencil .05, paint .05,
    urban .12, brick .05
lights        bokeh .34, lights .24, abstract .12, colors .1, blur .09, light .12, christmas .07, color .06
stripes       abstract .26, pattern .2, texture .17, lines .1, design .06, art .07, geometry .06,
    circles .05, closeup .05
spring        spring .12, primavera .02
summer        summer .08, verano .015, sun .02
autumn        autumn .26, fall .24, leaves .14, otoño .02, october .05, november .03
winter        winter .18, cold .06, january .02, december .03, trees .02
bw            bw .44, blackandwhite .32, monochrome .09, black .1, white .09, blackwhite .06,
    noiretblanc .03, byn .02, contrast .04
vintage       vintage .18, sepia .16, old .07, film .1, retro .06, polaroid .07, texture .05, memories .02
vivid         hdr .26, color .08, colors .1, colorful .07, saturated .02, photoshop .05, colour .04
closeup       macro .3, closeup .11, dof .07, bokeh .06, detail .04, close .02
colour red     red .22, rojo .02, rouge .015
colour orange  orange .16
colour yellow  yellow .2, amarillo .015
colour green   green .2, verde .03, vert .01
colour blue    blue .16, azul .03, bleu .01
colour purple  purple .17, violet .05, lila .01
colour pink    pink .2, rosa .03
colour white   white .12, blanco .01
colour black   black .1, negro .01
colour brown   brown .07
kind beach     vacation .08, holiday .06, travel .05, landscape .05
kind lake      landscape .13, nature .12
kind river     landscape .1, nature .09
kind mountains landscape .18, nature .12, travel .05
kind countryside landscape .16, countryside .08, rural .06, country .05
kind forest    landscape .03, walk .03
kind flower    nature .12, macro .1, garden .06, beautiful .03
kind garden    garden .22, park .13, flowers .1, jardín .02, backyard .04
kind street    street .1, city .12, urban .05, streetphotography .07, travel .04
kind skyline   travel .04, panorama .05
kind sky       landscape .04, weather .03
kind portrait  model .07, fashion .04, studio .03
kind group     event .02, day .01
kind room      room .06, furniture .05, design .04, sofa .04, apartment .03, interior .06, chair .05
kind food      table .05, kitchen .04
kind bird      nature .1, park .03
kind car       show .03, museum .02
kind abstract  abstract .08, experimental .02
"""

# What cannot be seen. A line: variable, group of scenes ("*": any other), outcome, its weight, tags.
HIDDEN = """
camera * nikon       .20  nikon .3, d80 .07, d200 .05, nikkor .05, d40 .05, d300 .03, 50mm .03
camera * canon       .24  canon .27, eos .08, 400d .05, 350d .05, 30d .04, 5d .03, 50mm .03, digital .02
camera * compact     .26  sony .06, olympus .05, panasonic .05, lumix .04, fuji .04, kodak .03, digital .04
camera * film        .08  film .2, 35mm .13, analog .08, holga .08, polaroid .05, ilford .03, scan .03,
    kodak .06, leica .04
camera * pentax      .07  pentax .3, k10d .1, sigma .06
camera * silent      .15
year   * 2006        .12  2006 .17
year   * 2007        .34  2007 .2, july2007 .012, 2007year .004
year   * 2008        .40  2008 .2, june2008 .012, may2008 .01
year   * 2009        .14  2009 .16
user   * plain       .52
user   * collector   .24  explore .22, interestingness .09, abigfave .1, anawesomeshot .08, bravo .06,
    impressedbeauty .05, flickrsbest .04, diamondclassphotographer .035, top20 .02
user   * diarist     .12  365 .14, project365 .09, selfportrait .03, 365days .06, day .03, me .06, life .04
user   * artist      .12  art .14, photo .09, photography .1, fineart .03, light .05, foto .05, artistic .02
place  coast california .16  california .3, usa .14, santacruz .08, sandiego .08, pacific .08
place  coast hawaii     .10  hawaii .34, maui .14, island .1, usa .06
place  coast spain      .15  spain .24, españa .17, barcelona .1, mediterranean .08, andalucía .05
place  coast england    .15  england .2, uk .2, brighton .14, cornwall .1
place  coast australia  .12  australia .3, sydney .16, queensland .06
place  coast greece     .08  greece .3, island .14, santorini .1
place  coast nowhere    .24
place  city  london     .17  london .38, england .14, uk .16, thames .06
place  city  newyork    .17  newyork .26, nyc .26, newyorkcity .12, manhattan .12, brooklyn .06, usa .05
place  city  paris      .12  paris .38, france .22, eiffel .04
place  city  tokyo      .10  tokyo .28, japan .28, 日本 .07, shibuya .05
place  city  chicago    .09  chicago .36, illinois .1, usa .06
place  city  toronto    .07  toronto .32, canada .2, ontario .1
place  city  münchen    .06  münchen .2, germany .2, deutschland .14, munich .1
place  city  nowhere    .22
place  nature scotland  .11  scotland .32, uk .14, highlands .1
place  nature iceland   .06  iceland .4, island .08
place  nature norway    .06  norway .34, norge .14
place  nature canada    .12  canada .28, alberta .1, britishcolumbia .08, banff .06
place  nature usa       .16  usa .14, oregon .1, colorado .1, utah .06, yosemite .08, nationalpark .1
place  nature italy     .10  italy .24, italia .18, toscana .08
place  nature netherlands .07 netherlands .24, holland .18, nederland .1
place  nature nowhere   .32
place  *  usa           .14  usa .1, california .08, texas .06, seattle .05, sanfrancisco .06
place  *  uk            .10  uk .12, england .08, london .06
place  *  brazil        .06  brasil .2, brazil .16, sãopaulo .06
place  *  nowhere       .70
event  *  none          .74
event  *  holiday       .10  vacation .22, holiday .18, travel .22, trip .12, vacaciones .03
event  *  weekend       .08  weekend .08, sunday .07, saturday .06, walk .07
event  *  morning       .08  morning .14, light .08, early .02
event  home none        .58
event  home birthday    .12  birthday .3, party .2, celebration .06, cake .06
event  home wedding     .10  wedding .36, bride .14, love .1, groom .05
event  home christmas   .07  christmas .3, xmas .12, december .08, holiday .08
event  home school      .06  school .14, university .05, student .04
event  home trip        .07  vacation .14, travel .14, trip .08
"""
